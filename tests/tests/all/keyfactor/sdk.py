"""Drives a server with the vendor's own Python client (keyfactor-v-1-client), and repeats what the owner update script sends.

Environment: BASE (…/KeyfactorAPI), TOKEN_URL, CLIENT_ID, CLIENT_SECRET, NAME and PASSWORD of an administrator, PEM (a certificate with its
key), ROLE (the name of a role), STORES (a directory for certificate stores)."""

import base64
import json
import os

import requests
from keyfactor_v_1_client import AuthenticatedClient
from keyfactor_v_1_client.api.audit_log import audit_log_get_audit_logs, audit_log_validate_audit_log
from keyfactor_v_1_client.api.certificate import (
    certificate_analyze_cert,
    certificate_certificate_history,
    certificate_delete_certificate,
    certificate_delete_private_keys_1,
    certificate_get_certificate,
    certificate_get_certificate_locations,
    certificate_get_certificate_security,
    certificate_identity_audit,
    certificate_post_import_certificate,
    certificate_query_certificates,
    certificate_revoke,
    certificate_validate_certificate,
)
from keyfactor_v_1_client.api.certificate_collection import (
    certificate_collection_create_collection,
    certificate_collection_get_collection_0,
    certificate_collection_get_collection_1,
    certificate_collection_get_collections,
    certificate_collection_update_collection,
)
from keyfactor_v_1_client.api.metadata_field import (
    metadata_field_create_metadata_field,
    metadata_field_delete_metadata_field,
    metadata_field_get_all_metadata_fields,
    metadata_field_get_metadata_field_in_use,
)
from keyfactor_v_1_client.api.security_role_permissions import (
    security_role_permissions_get_collection_permissions_for_role,
    security_role_permissions_get_permissions_for_role,
)
from keyfactor_v_1_client.api.security_roles import security_roles_delete_security_role
from keyfactor_v_1_client.api.status import status_get_endpoints
from keyfactor_v_1_client.models.keyfactor_api_models_certificate_collections_certificate_collection_create_request import (
    KeyfactorApiModelsCertificateCollectionsCertificateCollectionCreateRequest as NewCollection,
)
from keyfactor_v_1_client.models.keyfactor_api_models_certificate_collections_certificate_collection_update_request import (
    KeyfactorApiModelsCertificateCollectionsCertificateCollectionUpdateRequest as ChangedCollection,
)
from keyfactor_v_1_client.models.keyfactor_api_models_certificates_analyze_certificate_request import (
    KeyfactorApiModelsCertificatesAnalyzeCertificateRequest as Analyze,
)
from keyfactor_v_1_client.models.keyfactor_api_models_metadata_field_metadata_field_create_request import (
    KeyfactorApiModelsMetadataFieldMetadataFieldCreateRequest as NewField,
)
from keyfactor_v_1_client.models.keyfactor_api_models_metadata_field_metadata_field_create_request_data_type import (
    KeyfactorApiModelsMetadataFieldMetadataFieldCreateRequestDataType as DataType,
)
from keyfactor_v_1_client.models.models_certificate_import_request_model import ModelsCertificateImportRequestModel as Import
from keyfactor_v_1_client.models.models_revoke_certificate_request import ModelsRevokeCertificateRequest as Revoke

from sdk_writes import writes

BASE = os.environ["BASE"]
PEM = os.environ["PEM"]


def ask(call, *arguments, status=200, **named):
    """What the client makes of the answer, if it has this status."""
    answer = call.sync_detailed(*arguments, **named)
    assert answer.status_code == status, (call.__name__, answer.status_code, answer.content)
    return answer.parsed


def sdk(client):
    endpoints = ask(status_get_endpoints, client=client)
    assert "GET /Certificates" in endpoints, endpoints
    content = base64.b64encode(PEM.encode()).decode()
    found = json.loads(certificate_analyze_cert.sync_detailed(client=client, json_body=Analyze(certificate=content)).content)
    assert found[0]["IssuedDN"] == "CN=sdk.example.com", found
    sent = ask(certificate_post_import_certificate, client=client, json_body=Import(certificate=content))
    query = 'Thumbprint -eq "%s"' % sent.thumbprint
    page = certificate_query_certificates.sync_detailed(client=client, pq_query_string=query, pq_page_returned=1, pq_return_limit=10)
    assert page.headers["x-total-count"] == "1" and page.headers["x-keyfactor-product-version"], page.headers
    (listed,) = page.parsed
    one = ask(certificate_get_certificate, listed.id, client=client, include_metadata=True, include_locations=True)
    assert one.thumbprint == sent.thumbprint and one.issued_cn == "sdk.example.com", one
    assert one.has_private_key and not listed.has_private_key
    assert base64.b64decode(one.content_bytes) == base64.b64decode("".join(PEM.split("-----")[2].split()))
    assert one.not_after > one.not_before
    assert ask(certificate_query_certificates, client=client, pq_query_string=query, pq_page_returned=2) == []

    history = ask(certificate_certificate_history, one.id, client=client)
    assert [entry.action for entry in history] == ["Imported", "Private Key Imported"], history
    assert history[0].operation_start.year >= 2026
    roles = json.loads(certificate_get_certificate_security.sync_detailed(one.id, client=client).content)["Roles"]
    assert any(role["Name"] == "Administrator" and "Revoke" in role["Permissions"] for role in roles), roles
    assert any(who.account_name == os.environ["NAME"] for who in ask(certificate_identity_audit, one.id, client=client))
    assert ask(certificate_get_certificate_locations, one.id, client=client).details == []
    assert ask(certificate_validate_certificate, one.id, client=client).valid

    field = NewField(name="Tier", description="importance", data_type=DataType.VALUE_2)
    field = ask(metadata_field_create_metadata_field, client=client, json_body=field)
    assert [known.name for known in ask(metadata_field_get_all_metadata_fields, client=client)] == ["Tier"]
    assert ask(metadata_field_get_metadata_field_in_use, field.id, client=client) is False
    ask(metadata_field_delete_metadata_field, field.id, client=client, status=204)

    new = NewCollection(name="SDK", query='( IssuedCN -eq "x" )', description="first")
    made = ask(certificate_collection_create_collection, client=client, json_body=new)
    assert made.query == '( IssuedCN -eq "x" )', made
    # The client sends what it changes as a form.
    changed = ChangedCollection(id=made.id, name="SDK 2", query='IssuedCN -eq "sdk.example.com"')
    changed = ask(certificate_collection_update_collection, client=client, form_data=changed, json_body=changed)
    assert (changed.name, changed.description) == ("SDK 2", "first"), changed
    assert ask(certificate_collection_get_collection_0, made.id, client=client).name == "SDK 2"
    assert ask(certificate_collection_get_collection_1, "sdk%202", client=client).id == made.id
    assert [known.id for known in ask(certificate_collection_get_collections, client=client)] == [made.id]
    assert [inside.id for inside in ask(certificate_query_certificates, client=client, collection_id=made.id)] == [one.id]

    done = ask(certificate_revoke, client=client, json_body=Revoke(certificate_ids=[one.id], comment="x"))
    assert done.revoked_ids == [one.id] and done.suspended_certs == [], done
    revoked = ask(certificate_get_certificate, one.id, client=client)
    assert (revoked.cert_state, revoked.revocation_comment) == (2, "x"), revoked
    assert ask(certificate_query_certificates, client=client, pq_query_string=query) == []
    assert len(ask(certificate_query_certificates, client=client, pq_query_string=query, pq_include_revoked=True)) == 1

    entries = ask(audit_log_get_audit_logs, client=client, pq_query_string="Operation -eq 6")
    assert len(entries) == 1 and entries[0].category == 2001, entries
    assert ask(audit_log_validate_audit_log, entries[0].id, client=client) is True
    ask(certificate_delete_private_keys_1, one.id, client=client, status=204)
    ask(certificate_delete_certificate, one.id, client=client, status=204)
    gone = certificate_get_certificate.sync_detailed(one.id, client=client)
    assert gone.status_code == 404 and json.loads(gone.content)["Message"] == "Unable to find 'Certificate' with Id '%d'" % one.id


def roles(client, headers):
    """Roles of the first version, by the calls that the client has."""
    body = {"Name": "Old", "Description": "x", "Permissions": ["Certificates:Read"], "Identities": [{"AccountName": "EXAMPLE\\kim"}]}
    made = requests.post(BASE + "/Security/Roles", headers=headers, json=body, timeout=30)
    assert made.status_code == 200, made.text
    role = made.json()["Id"]
    (permission,) = ask(security_role_permissions_get_permissions_for_role, role, client=client)
    assert (permission.area, permission.permission) == ("Certificates", "Read"), permission
    assert ask(security_role_permissions_get_collection_permissions_for_role, role, client=client) == []
    ask(security_roles_delete_security_role, role, client=client, status=204)


def owner_update(serial):
    """What the owner update script sends, in its order and with its headers."""
    form = {
        "grant_type": "client_credentials",
        "client_id": os.environ["CLIENT_ID"],
        "client_secret": os.environ["CLIENT_SECRET"],
        "scope": "anything",
        "audience": "anybody",
    }
    token = requests.post(os.environ["TOKEN_URL"], data=form, timeout=30).json()["access_token"]

    def headers(version):
        return {
            "content-type": "application/json",
            "accept": "text/plain",
            "x-keyfactor-requested-with": "APIClient",
            "x-keyfactor-api-version": version,
            "Authorization": "Bearer " + token,
        }

    health = requests.get(BASE + "/status/healthcheck", headers=headers("1.0"), timeout=30)
    assert health.status_code == 204, health.text
    url = BASE + '/Certificates?QueryString=SerialNumber%20-eq%20%22' + serial + "%22"
    certificate = requests.get(url, headers=headers("1.0"), timeout=30).json()[0]["Id"]
    url = BASE + '/Security/Roles?QueryString=name%20-eq%20%22' + os.environ["ROLE"].replace(" ", "%20") + "%22"
    role = requests.get(url, headers=headers("2.0"), timeout=30).json()[0]["Id"]
    url = "%s/Certificates/%d/Owner" % (BASE, certificate)
    for body, owner in [({"NewRoleId": role}, role), ({}, None), ({"NewRoleName": os.environ["ROLE"]}, role)]:
        changed = requests.put(url, headers=headers("1.0"), data=json.dumps(body), timeout=30)
        assert changed.status_code == 204 and changed.content == b"", changed.text
        told = requests.get("%s/Certificates/%d" % (BASE, certificate), headers=headers("1.0"), timeout=30).json()
        assert told["OwnerRoleId"] == owner, told


def main():
    pair = "%s:%s" % (os.environ["NAME"], os.environ["PASSWORD"])
    basic = base64.b64encode(pair.encode()).decode()
    client = AuthenticatedClient(base_url=BASE, token=basic, prefix="Basic")
    sdk(client)
    headers = {"x-keyfactor-requested-with": "APIClient", "Authorization": "Basic " + basic}
    roles(client, headers)
    content = base64.b64encode(PEM.encode()).decode()
    ask(certificate_post_import_certificate, client=client, json_body=Import(certificate=content))
    (held,) = ask(certificate_query_certificates, client=client, pq_query_string='IssuedCN -eq "sdk.example.com"')
    owner_update(held.serial_number)
    collection = ask(certificate_collection_get_collections, client=client)[0].id
    writes(client, headers, held.id, base64.b64decode("".join(PEM.split("-----")[2].split())), collection)
    print("done")


main()
