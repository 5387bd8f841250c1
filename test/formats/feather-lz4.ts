// A Feather file as pyarrow writes it (compression lz4), gzipped to be short:
//   pa.table({'id': [0, 1, … 299] (int64), 's': 'abc' * (i % 5), null where i % 7 = 0, 'd': i % 3 / 2})
export const FEATHER_LZ4_GZIP_BASE64: string = [
  'H4sIABssB2sC/9XWiZuVUxgA8DNzv5m5ZTTDhEFoEWqyh0SmsWSNFktlqylLaLNkTypb9oayS0rZSSEksu/LlcpSyRaiyV5Jfve7X1oe/oC+5/nNe86973nP',
  'uXPu991T1anTEcfsHMIK16wQQmnIXnVDcSgMBSGt5cqL9INe2t8o+RtCiv60TPoPqSE5la1RnrwWD6eXemkK41fyw6xcbsF/5Z4V96P4tdJQPx5XFK+gNFlf',
  'Xn42NlhtXD69e2XXWExRvMZsYtvk/eznSyteP+kXmzX3CYvjyiEVxfVeSAbmchqYL/o355ZkzmyNFnmr8lautSj8//VWstD3k7hd8vqfSb9LKhc7JPM3S94f',
  'nF6zzsp+69VeS621nrBav2Kt/sqre51k7Y3bl3dvO2SSZZT555flpUNZPikiCiikiDR1qMt6FLM+9SihlA3YkDLqsxEbswnlbMpmbE4DtmBLtqIhjWhME7am',
  'KduwLdvRjOZU0ILt2YEd2Ymd2YVdaclu7M4etGJPWrMXe9OGfaikLVXsy37szwG040AO4mAO4VAOoz2HcwT2rqwjnejMkRzF0RxDF7rSjWM5juM5gRPpTg+q',
  '6UkvTuJkTuFUenMap3MGfehLP/ozgDM5i7M5h4Gcy3mczwVcyEVczCAuwXer7FKGMJRhXMblXMGVXMVwruYaruU6rucGbmQENdzEzYxkFLdwK7dxO3dwJ3dx',
  'N6O5hzHcy1jGcR/jmcD9PMCDPMTDPMKjPMbjTOQJJjGZJ3mKp5nCMzzLc0zleabh3i97kem8xMu8wqu8xuu8wZu8xdu8w7u8x/t8wIdk+IgZfMxMZjGbT/iU',
  'z/icOcxlHl8wny/5iq/5hm9ZwHd8zw8s5Ed+YhG1LOZnfuFXfuN3/uBPlrCUZfzFcv5mRTpES4rWldt/cMVaj7OwTVjjebaB5iWDps1d9Mey5UWhqMOy5YOm',
  'lWTfnxStkVeVyj33MtlnaPaRuCFbRhYShc7NtXePwqg9xUoOisLMQ8WOdOPkKNScIZ7DpfKHicONHRmFzK3adzMhN2fmKXEqr/KhnBny52h/r/6P4i/8pb4f',
  'xVDgw9VjM/Ubis3YTX4rcR9jD1GvvXZnjuNU/dPFAVzA5XKukj9C+y717xHH85j6T4hTmM676n8kfs538heKPxv7t3p5flCLKKWB/lZiU3agtZw28ttpd1L/',
  'KPFYeql/itiHgQxR/0rxRu6UP1q8z9iJ6k3WfpaX8+PfxExGnM18fpKzOArVS7UL/S6PqmN3Sig3weZiI5qn4s2p2Vs8gI4mOFLsZrCNyfTW7sd5DNO/QryW',
  'kYyRM07+I9rPqD9VfIm31X9PnMGcVLw5Y2rFJRREBqR9e+oZbGcyW2g3oQWt9PcSq7A74Wg5XeVXa/c1wQDxXAabYKhod8KIKN6dmrHiw0yR/5w43Vg7k/lA',
  'eybzWBiF+YvE37A7oW6BpPUN2LgghMYmaCpW0NIEe4htaFcQb09NF7EHfeT3Fwcaa2syl2lfzU2M1r9XvJ+JPC/nRflvan+s/mxxLguiUJv3g8ZillKYO9D9',
  'G5P7KnsbVfao7pmKD14rajtU99T7//NHE81N3YeN51WWxA+yKD+UlOcGZ6+KDhJqK1eNXxGfH3Pn1WInssL4lFaaO8s5jbVKzlhRcqZckIwrTR4cL6x1rlpn',
  'z7aKVsVn+H8AU9lL8soLAAA=',
].join('')
