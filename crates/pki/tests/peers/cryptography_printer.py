"""What the package cryptography says about certificates.

Reads a file of certificates, each after its length as four octets, and prints one line of JSON for each. A part that the
package refuses stands as {"error": ...} in its place.
"""

import json
import struct
import sys
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa

warnings.simplefilter("ignore")


def attempt(part):
    try:
        return part()
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def text_or_hex(attribute):
    value = attribute.value
    if attribute._type.value == 4 and isinstance(value, str):  # octets that happen to be UTF-8
        value = value.encode()
    return {"hex": value.hex()} if isinstance(value, bytes) else value


def name(distinguished):
    return [[[a.oid.dotted_string, a._type.value, text_or_hex(a)] for a in rdn] for rdn in distinguished.rdns]


def general(one):
    kind = type(one).__name__
    if kind == "OtherName":
        return [kind, one.type_id.dotted_string, one.value.hex()]
    if kind == "DirectoryName":
        return [kind, name(one.value)]
    if kind == "RegisteredID":
        return [kind, one.value.dotted_string]
    return [kind, str(one.value)]


def points(extension):
    return [
        {
            "fullName": [general(n) for n in p.full_name or []],
            "relative": None if p.relative_name is None else [[a.oid.dotted_string, a._type.value, text_or_hex(a)] for a in p.relative_name],
            "reasons": sorted(r.value for r in p.reasons or []),
            "issuer": [general(n) for n in p.crl_issuer or []],
        }
        for p in extension
    ]


def qualifier(one):
    if isinstance(one, str):
        return {"cps": one}
    reference = one.notice_reference
    return {
        "text": one.explicit_text,
        "organization": reference and reference.organization,
        "numbers": list(reference.notice_numbers) if reference else [],
    }


def content(value):
    kind = type(value).__name__
    if kind in ("SubjectAlternativeName", "IssuerAlternativeName"):
        return [general(n) for n in value]
    if kind == "KeyUsage":
        bits = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"]
        found = [getattr(value, bit) for bit in bits]
        return found + ([value.encipher_only, value.decipher_only] if value.key_agreement else [])
    if kind == "ExtendedKeyUsage":
        return [usage.dotted_string for usage in value]
    if kind == "BasicConstraints":
        return [value.ca, value.path_length]
    if kind == "SubjectKeyIdentifier":
        return value.digest.hex()
    if kind == "AuthorityKeyIdentifier":
        return {
            "key": value.key_identifier and value.key_identifier.hex(),
            "issuer": [general(n) for n in value.authority_cert_issuer or []],
            "serial": None if value.authority_cert_serial_number is None else format(value.authority_cert_serial_number, "x"),
        }
    if kind in ("AuthorityInformationAccess", "SubjectInformationAccess"):
        return [[d.access_method.dotted_string, general(d.access_location)] for d in value]
    if kind in ("CRLDistributionPoints", "FreshestCRL"):
        return points(value)
    if kind == "CertificatePolicies":
        return [[p.policy_identifier.dotted_string, [qualifier(q) for q in p.policy_qualifiers or []]] for p in value]
    if kind == "NameConstraints":
        return [[general(n) for n in value.permitted_subtrees or []], [general(n) for n in value.excluded_subtrees or []]]
    if kind == "PolicyConstraints":
        return [value.require_explicit_policy, value.inhibit_policy_mapping]
    if kind == "InhibitAnyPolicy":
        return value.skip_certs
    if kind == "TLSFeature":
        return [feature.value for feature in value]
    if kind in ("PrecertificateSignedCertificateTimestamps", "SignedCertificateTimestamps"):
        return [
            [s.log_id.hex(), s.timestamp.timestamp(), s.timestamp.microsecond // 1000, s.signature_hash_algorithm.name, s.signature_algorithm.name, s.signature.hex()]
            for s in value
        ]
    if kind in ("OCSPNoCheck", "PrecertPoison"):
        return True
    return None


def key(certificate):
    public = certificate.public_key()
    kind = type(public).__name__
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return ["RSA", numbers.n.bit_length(), numbers.e]
    if isinstance(public, ec.EllipticCurvePublicKey):
        return ["EC", public.curve.name, public.curve.key_size]
    if isinstance(public, dsa.DSAPublicKey):
        return ["DSA", public.key_size]
    return [kind.replace("PublicKey", "")]


def parameters(certificate):
    found = certificate.signature_algorithm_parameters
    if isinstance(found, padding.PSS):
        return ["PSS", certificate.signature_hash_algorithm.name, found._mgf._algorithm.name, found._salt_length]
    return type(found).__name__


def describe(der):
    try:
        certificate = x509.load_der_x509_certificate(der)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {
        "subject": attempt(lambda: name(certificate.subject)),
        "issuer": attempt(lambda: name(certificate.issuer)),
        "rfc4514": attempt(lambda: certificate.subject.rfc4514_string()),
        "serial": attempt(lambda: format(certificate.serial_number, "x")),
        "version": attempt(lambda: certificate.version.value + 1),
        "notBefore": attempt(lambda: certificate.not_valid_before_utc.timestamp()),
        "notAfter": attempt(lambda: certificate.not_valid_after_utc.timestamp()),
        "signatureOid": certificate.signature_algorithm_oid.dotted_string,
        "signatureHash": attempt(lambda: certificate.signature_hash_algorithm and certificate.signature_hash_algorithm.name),
        "signatureParameters": attempt(lambda: parameters(certificate)),
        "key": attempt(lambda: key(certificate)),
        "sha512": certificate.fingerprint(hashes.SHA512()).hex(),
        "extensions": attempt(
            lambda: [[e.oid.dotted_string, e.critical, content(e.value)] for e in certificate.extensions]
        ),
    }


def make(folder):
    """Certificates with keys that OpenSSL 3.0 and OpenJDK 17 do not know, really signed."""
    import datetime
    import pathlib

    from cryptography.hazmat.primitives.asymmetric import mldsa, mlkem, x448, x25519

    start = datetime.datetime(2026, 1, 1, 12, 30, 45)
    for signer in (mldsa.MLDSA44PrivateKey, mldsa.MLDSA65PrivateKey, mldsa.MLDSA87PrivateKey):
        private = signer.generate()
        others = [x25519.X25519PrivateKey.generate(), x448.X448PrivateKey.generate()]
        others += [mlkem.MLKEM768PrivateKey.generate(), mlkem.MLKEM1024PrivateKey.generate()]
        for subject in [private, *others]:
            label = type(subject).__name__.replace("PrivateKey", "")
            distinguished = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, label)])
            builder = x509.CertificateBuilder().subject_name(distinguished).issuer_name(distinguished)
            builder = builder.public_key(subject.public_key()).serial_number(4711)
            builder = builder.not_valid_before(start).not_valid_after(start + datetime.timedelta(days=47))
            der = builder.sign(private, None).public_bytes(serialization.Encoding.DER)
            (pathlib.Path(folder) / f"{signer.__name__}-{label}.der").write_bytes(der)


if sys.argv[1] == "--make":
    make(sys.argv[2])
    sys.exit()
data = open(sys.argv[1], "rb").read()
while data:
    (length,) = struct.unpack(">I", data[:4])
    print(json.dumps(describe(data[4 : 4 + length])))
    data = data[4 + length :]
