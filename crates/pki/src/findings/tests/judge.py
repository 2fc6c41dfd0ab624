# Judges certificates with pkilint. One certificate in hexadecimal per line of standard input; for each, one line of JSON: the
# codes of all findings, by the linter for RFC 5280 and by that for the CA/Browser Forum's TLS baseline requirements.
import functools
import json
import logging
import sys

from pkilint import loader
from pkilint.cabf import serverauth
from pkilint.pkix import certificate, extension, name

logging.disable(logging.CRITICAL)

PKIX = certificate.create_pkix_certificate_validator_container(
    certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
    [
        certificate.create_issuer_validator_container([]),
        certificate.create_validity_validator_container(),
        certificate.create_subject_validator_container([]),
        certificate.create_extensions_validator_container([]),
        certificate.create_spki_validator_container([]),
    ],
)


def codes(linter, root):
    results = linter.validate(root)
    return {found.finding.code for result in results for found in result.finding_descriptions}


@functools.cache
def public(kind):
    return certificate.create_pkix_certificate_validator_container(
        serverauth.create_decoding_validators(), serverauth.create_validators(kind)
    )


def judge(der):
    try:
        found = loader.load_certificate(der, "stdin")
        all_codes = codes(PKIX, found.root)
        kind = serverauth.determine_certificate_type(found)
        if "FINAL" in kind.name:
            all_codes |= codes(public(kind), found.root)
        return sorted(all_codes)
    except Exception as error:  # what it cannot read it does not judge
        return ["unreadable", type(error).__name__ + ": " + str(error)[:200]]


for line in sys.stdin:
    print(json.dumps(judge(bytes.fromhex(line.strip()))), flush=True)
