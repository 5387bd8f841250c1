#!/usr/bin/env bash
# An authority of our own and what it signs, for the tests of TLS: made by openssl, anew each time, good for ten days.
#
#   test/servers/certificates.sh FOLDER     makes FOLDER with
#     ca.pem            the authority's certificate, which clients trust
#     other-ca.pem      an authority that has signed nothing here
#     server.crt/.key   for the address 127.0.0.1 alone, not for the name localhost
#     server.p12        the same for Java; its password is alluvium
set -euo pipefail
[ $# = 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
command -v openssl >/dev/null || { echo 'certificates.sh: openssl is not on the PATH (Debian: apt-get install openssl)' >&2; exit 1; }
mkdir -p "$1"
cd "$1"
authority() { # NAME
  openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 10 -subj "/CN=$1 of the Alluvium tests" -keyout "$1.key" -out "$1.pem" \
    -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign' 2>/dev/null
}
authority ca
authority other-ca
openssl req -newkey rsa:2048 -nodes -subj '/CN=Alluvium test server' -keyout server.key -out server.csr 2>/dev/null
printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n' >server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -sha256 -days 10 -extfile server.ext -out server.crt 2>/dev/null
openssl pkcs12 -export -in server.crt -inkey server.key -certfile ca.pem -name server -passout pass:alluvium -out server.p12
