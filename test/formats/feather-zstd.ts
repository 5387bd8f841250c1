// A Feather file as pyarrow writes it (compression zstd), gzipped to be short:
//   pa.table({'id': [0, 1, … 299] (int64), 's': 'abc' * (i % 5), null where i % 7 = 0, 'd': i % 3 / 2})
export const FEATHER_ZSTD_GZIP_BASE64: string = [
  'H4sIAKlaB2sC/3MMCvIPN2Rg+A8ENxgYGAQYQICLgYeBjYGVgQPIAgJGFiCfAcjjAJIsUJKBgRmIC4DYBMpfAzQDqJgZZIYEVAysHYhTgOZxADEbWISJ',
  '4QZELSs2tcVgPgtYTIBBBKyPHewCAaj7GJlAtAySPiYgzkwBuZEHiNnBbgQpdIDKg/wnADRcBMrnAdoK8SEP2GQGZhaweRowA8Fq5ID2scDVLABiFah7',
  'dRgZkAAb2E42qJ3sDLjBLai+B1BangHJA8jyzBBaBibPgmYQlK+OJMSM4S4EXxuNDwMJnBBaY6v+34QEDlc+BrfkRC6BHzns///bRxmxRjBEMEQyuPBp',
  'pkxw+Pciud/m3YrkPot7Gcm9Juc0knsM9r1I6tZZtyKpS2NeRlKnSp9GUodC3YvEdpm8FYltEnEZia0ifhqJLQJ2LxKaefRWJDRxyGUkNLLwaSQ0MPyT',
  'FfUVuejMqzvlgiMrr8gF+79vJp+3/XpG+Lz12zWTz1k+7RE+Z343Z/JZ06s+wmeNz+pMPmN4lEf4jP7eN5NO6249I3Rae+2aSac0l/YInVKfmzPppOpU',
  'H6GTyr06Rhedfq/ZfNZo95pNJ5Wq12w8KmS9ZsNBpt+r1+/9tGv1up2Pqlav3XrJavWajYd+rVq9dtOuVatWLqpatXLpJKtVKxY2/Vq5fG7RrpXLZiZV',
  'rVw6Nchq5ZKJTr9WLO412qXxP55LRN1nioKhkwuHgLxNyYMNjs5sPOI6IQsMHJ1YOPhlTBI2ODgysbDziCgYOAATX/3/b6ff7/v1rPv93m/XvN/v+XSM',
  '+/3ud9tOv9v1aln3u53Ppnm/2/Gojfvd9ntlp99uu5XW/XbrtTDvt1susTVqrxCc8OfhekZBlTv8zI4CLLiRjSGXcmphiklqUmGKUeqjgpRTe8qh6UON',
  'ARG/CmqlDAwOdfvvv//++y8/I4NQtyDDFhak+N/CDIz/aakpVhvmtT7rqdXf+njtpxaJnT89Ny2skou7d3X67lOm35u1W4Uzy15dNDaP/fbkf2RE3uyf',
  'j3q+q5+UccnbWc7lxRDFEM6wWSY9IN0wbs5KC+lCNafOwzcntm7mSOdrOdd07t7vNz/nnua0njF9ZvPPaxsjLKco7xRcrTD/VqH09IdflunbsnSUW7At',
  'Fuc13NHIfFfWWuH75mXpOedmzd66fqtxyrV9azIjd096msL7+oTURFOFoOzAbP9svag1SyO0D26Z1jIlsfeQ1MUoZtZs1msMa1Jr3szpPGgZXdy27HXP',
  'a5/Xa7imblZP91x3btWKGh7zVeZyVvfy9jierUhuPHRk9qXZ7ea87vnC9xT26ApwVXFv2Bs7L3buBtkb57LN3c6cO52nfTrPS1jVevXdCXf7V8r2yfbK',
  '8ixfJtu59G77XbbFsRfzMqYzHOxz+P/nz5c/x+oK7/258WffpT+HSh5+Ov3L9afuwV+iPzl/fp3Q9etqxa+1P+Ym/FL9O6FOXOuPyp8OuT98PBVM937s',
  'eVi5WPnbtWe+Z6Nn6q3brhuVH3RvRszeUF7fFQIOQoqdfifZHxwXkLGwu/501xqeaR+VvRMCcuaVvp1gxaDK3+Swi4XhCD+DyxcGDTGmMGgByMaGFL9s',
  'rKHA0isxKRlYCPzarYgl/69lYDAAFj72DB9YGcxvvmS0iSgU52hmjgCXnwzQ+oEHWIqygUtFAUjZCSyMLEBmQIslUBHzApruJKDljQZa+TVk6xKgoY7g',
  'OhMAl0jHJjoHAAA=',
].join('')
