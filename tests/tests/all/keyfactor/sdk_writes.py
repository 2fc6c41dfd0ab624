"""What the vendor's own Python client changes: metadata, files, enrolment, stores, the permissions of roles. Called by sdk.py."""

import base64
import os
import time
from datetime import datetime, timezone

import requests
from keyfactor_v_1_client.api.certificate import (
    certificate_compare_metadata,
    certificate_download_certificate_async,
    certificate_get_certificate,
    certificate_recover_certificate_async,
    certificate_revoke_all,
    certificate_update_metadata,
)
from keyfactor_v_1_client.api.certificate_store import (
    certificate_store_add_certificate,
    certificate_store_delete_certificate_store,
    certificate_store_get_certificate_store_inventory,
    certificate_store_remove_certificate,
    certificate_store_schedule,
)
from keyfactor_v_1_client.api.certificate_store_container import certificate_store_container_get_all_certificate_store_containers
from keyfactor_v_1_client.api.csr_generation import csr_generation_get_pending_cs_rs, csr_generation_post_generate
from keyfactor_v_1_client.api.enrollment import (
    enrollment_available_renewal_id,
    enrollment_get_my_pfx_context,
    enrollment_post_csr_enroll,
    enrollment_post_parsed_csr,
    enrollment_post_pfx_enroll,
    enrollment_renew,
)
from keyfactor_v_1_client.api.metadata_field import metadata_field_create_metadata_field
from keyfactor_v_1_client.api.security_role_permissions import (
    security_role_permissions_add_collection_permissions,
    security_role_permissions_add_global_permissions,
    security_role_permissions_get_global_permissions_for_role,
)
from keyfactor_v_1_client.api.security_roles import security_roles_get_identities_with_role, security_roles_update_identities_with_role
from keyfactor_v_1_client.models import (
    keyfactor_api_models_certificate_stores_add_certificate_request as add,
    keyfactor_api_models_certificate_stores_remove_certificate_request as remove,
    keyfactor_api_models_metadata_field_metadata_field_create_request as field,
    keyfactor_api_models_security_roles_identities_security_roles_collection_permission_request as of_collection,
    keyfactor_api_models_security_roles_identities_security_roles_global_permission_request as of_area,
    keyfactor_api_models_security_roles_role_identities_request as identities,
    models_cert_stores_schedule as schedule,
    models_certificate_download_request as download,
    models_certificate_recovery_request as recovery,
    models_csr_contents as csr_contents,
    models_enrollment_csr_enrollment_request as csr_enrollment,
    models_enrollment_csr_generation_request as generation,
    models_enrollment_pfx_enrollment_request as pfx_enrollment,
    models_enrollment_renewal_request as renewal,
    models_metadata_update_request as metadata_update,
    models_revoke_all_certificates_request as revoke_all,
)

BASE = os.environ["BASE"]
NOW = datetime.now(timezone.utc).isoformat()


def ask(call, *arguments, status=200, **named):
    """What the client makes of the answer, if it has this status."""
    answer = call.sync_detailed(*arguments, **named)
    assert answer.status_code == status, (call.__name__, answer.status_code, answer.content)
    return answer.parsed


def metadata(client, certificate):
    """The client sends what it changes as a form, and in it an object as Python prints it."""
    wanted = {"Name": "Team", "Description": "who", "DataType": 1}
    ask(metadata_field_create_metadata_field, client=client, json_body=field.KeyfactorApiModelsMetadataFieldMetadataFieldCreateRequest.from_dict(wanted))
    for value in ["Web Operations", "It's \"theirs\": \\ {x}, \u00e9", ""]:
        body = metadata_update.ModelsMetadataUpdateRequest.from_dict({"Id": certificate, "Metadata": {"Team": value}})
        ask(certificate_update_metadata, client=client, form_data=body, json_body=body, status=204)
        shown = ask(certificate_get_certificate, certificate, client=client, include_metadata=True)
        assert shown.metadata.additional_properties == ({"Team": value} if value else {}), (value, shown.metadata)
    compared = certificate_compare_metadata.sync_detailed(
        client=client, certificate_id=certificate, metadata_field_name="Team", value="Web Operations"
    )
    assert compared.content == b"false", compared.content


def files(client, certificate, der):
    """The format is a header, which the client leaves to its caller."""
    wanted = download.ModelsCertificateDownloadRequest.from_dict({"CertID": certificate, "IncludeChain": False})
    got = ask(certificate_download_certificate_async, client=client.with_headers({"x-certificateformat": "DER"}), json_body=wanted)
    assert base64.b64decode(got.content) == der
    pem = ask(certificate_download_certificate_async, client=client.with_headers({"x-certificateformat": "PEM"}), json_body=wanted)
    assert base64.b64decode(pem.content).startswith(b"-----BEGIN CERTIFICATE-----"), pem
    refused = certificate_download_certificate_async.sync_detailed(client=client, json_body=wanted)
    assert refused.status_code == 400 and b"0xA0110007" in refused.content, refused.content
    wanted = recovery.ModelsCertificateRecoveryRequest.from_dict({"CertID": certificate, "Password": "sesame sesame"})
    got = ask(certificate_recover_certificate_async, client=client.with_headers({"x-certificateformat": "PFX"}), json_body=wanted)
    assert got.file_name.endswith(".pfx") and readable(got.pfx, b"sesame sesame") == der, got


def readable(content, password):
    """The certificate of a PKCS#12 file that has a private key."""
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

    key, certificate, _ = pkcs12.load_key_and_certificates(base64.b64decode(content), password)
    assert key is not None
    return certificate.public_bytes(Encoding.DER)


def enrolment(client):
    """With a key that is made there, with a signing request that is made there, and again."""
    context = ask(enrollment_get_my_pfx_context, client=client)
    assert any(template.name == "server" for template in context.templates), context
    wanted = {
        "CustomFriendlyName": "shop",
        "Password": "sesame sesame",
        "PopulateMissingValuesFromAD": False,
        "Subject": "CN=pfx.example.org",
        "IncludeChain": True,
        "CertificateAuthority": "pki.example.org\\Root",
        "Timestamp": NOW,
        "Template": "server",
        "SANs": {"dns": ["pfx.example.org"], "ip4": ["192.0.2.2"]},
    }
    made = ask(enrollment_post_pfx_enroll, client=client, json_body=pfx_enrollment.ModelsEnrollmentPFXEnrollmentRequest.from_dict(wanted))
    made = made.certificate_information
    assert (made.request_disposition, made.issuer_dn) == ("ISSUED", "CN=Root,O=Example"), made
    readable(made.pkcs_12_blob, b"sesame sesame")
    shown = ask(certificate_get_certificate, made.keyfactor_id, client=client)
    assert (shown.issued_cn, shown.thumbprint, shown.has_private_key) == ("pfx.example.org", made.thumbprint, True), shown

    wanted = {"Subject": "CN=csr.example.org", "KeyType": "ECC", "KeyLength": 256, "SANs": {"dns": ["csr.example.org"]}}
    generated = ask(csr_generation_post_generate, client=client, json_body=generation.ModelsEnrollmentCSRGenerationRequest.from_dict(wanted))
    pending = ask(csr_generation_get_pending_cs_rs, client=client)
    assert len(pending) == 1 and pending[0].csr == generated.csr, pending
    parsed = ask(enrollment_post_parsed_csr, client=client, json_body=csr_contents.ModelsCSRContents.from_dict({"CSR": generated.csr}))
    assert any("csr.example.org" in line for line in parsed), parsed
    wanted = {"CSR": generated.csr, "CertificateAuthority": "Root", "IncludeChain": True, "Timestamp": NOW, "Template": "server"}
    signed = ask(enrollment_post_csr_enroll, client=client, json_body=csr_enrollment.ModelsEnrollmentCSREnrollmentRequest.from_dict(wanted))
    signed = signed.certificate_information
    assert len(signed.certificates) == 2 and "BEGIN CERTIFICATE" in signed.certificates[0], signed
    assert ask(csr_generation_get_pending_cs_rs, client=client) == []

    assert ask(enrollment_available_renewal_id, made.keyfactor_id, client=client).available_renewal_type.value == 2
    body = renewal.ModelsEnrollmentRenewalRequest.from_dict({"CertificateId": made.keyfactor_id, "Timestamp": NOW})
    renewed = ask(enrollment_renew, client=client, json_body=body)
    assert renewed.request_disposition == "ISSUED" and renewed.keyfactor_id > made.keyfactor_id, renewed

    query = 'CertId -eq %d' % made.keyfactor_id
    body = revoke_all.ModelsRevokeAllCertificatesRequest.from_dict({"Query": query, "Reason": 4, "Comment": "renewed"})
    done = ask(certificate_revoke_all, client=client, json_body=body)
    assert done.revoked_ids == [made.keyfactor_id], done
    return renewed.keyfactor_id


def stores(client, headers, certificate):
    """The client makes no store itself; it fills one, watches it, and empties it."""
    store = {"ClientMachine": "web-1", "Storepath": os.environ["STORES"] + "/sdk", "CertStoreType": 2, "CreateIfMissing": True}
    made = requests.post(BASE + "/CertificateStores", headers=headers, json=store, timeout=30)
    assert made.status_code == 200, made.text
    guid = made.json()["Id"]
    assert ask(certificate_store_container_get_all_certificate_store_containers, client=client) == []
    entry = {"CertificateStoreId": guid, "Alias": "sdk", "Overwrite": True, "IncludePrivateKey": True}
    body = {"CertificateId": certificate, "CertificateStores": [entry], "Schedule": {"Immediate": True}}
    body = add.KeyfactorApiModelsCertificateStoresAddCertificateRequest.from_dict(body)
    (job,) = ask(certificate_store_add_certificate, client=client, json_body=body)
    assert len(job) == 36, job
    held = until(lambda: ask(certificate_store_get_certificate_store_inventory, guid, client=client, query_page_returned=1))
    assert (held[0].name, held[0].certificates[0].id) == ("sdk", certificate), held
    assert ask(certificate_store_get_certificate_store_inventory, guid, client=client, query_page_returned=2) == []
    nightly = {"StoreIds": [guid], "Schedule": {"Daily": {"Time": "2022-05-27T03:15:00Z"}}}
    ask(certificate_store_schedule, client=client, json_body=schedule.ModelsCertStoresSchedule.from_dict(nightly), status=204)
    body = {"CertificateStores": [{"CertificateStoreId": guid, "Alias": "sdk"}], "Schedule": {"Immediate": True}}
    body = remove.KeyfactorApiModelsCertificateStoresRemoveCertificateRequest.from_dict(body)
    ask(certificate_store_remove_certificate, client=client, json_body=body)
    until(lambda: ask(certificate_store_get_certificate_store_inventory, guid, client=client) == [])
    ask(certificate_store_delete_certificate_store, guid, client=client, status=204)


def until(told):
    """What is told once it is something: jobs are done behind."""
    for _ in range(300):
        answer = told()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError("nothing happens")


def permissions(client, headers, collection):
    """Permissions of a role, one by one, and the identities that hold it."""
    made = requests.post(BASE + "/Security/Roles", headers=headers, json={"Name": "SDK", "Description": "x"}, timeout=30)
    role = made.json()["Id"]
    Area = of_area.KeyfactorApiModelsSecurityRolesIdentitiesSecurityRolesGlobalPermissionRequest
    granted = ask(
        security_role_permissions_add_global_permissions,
        role,
        client=client,
        json_body=[Area.from_dict({"Area": "Auditing", "Permission": "Read"})],
    )
    assert [(one.area, one.permission) for one in granted] == [("Auditing", "Read")], granted
    assert len(ask(security_role_permissions_get_global_permissions_for_role, role, client=client)) == 1
    Collection = of_collection.KeyfactorApiModelsSecurityRolesIdentitiesSecurityRolesCollectionPermissionRequest
    granted = ask(
        security_role_permissions_add_collection_permissions,
        role,
        client=client,
        json_body=[Collection.from_dict({"CollectionId": collection, "Permission": "Revoke"})],
    )
    assert [(one.collection_id, one.permission) for one in granted] == [(collection, "Revoke")], granted
    held = requests.post(BASE + "/Security/Identities", headers=headers, json={"AccountName": "EXAMPLE\\ann"}, timeout=30).json()
    # A list in a form stands twice when it has two.
    other = requests.post(BASE + "/Security/Identities", headers=headers, json={"AccountName": "EXAMPLE\\bob"}, timeout=30).json()
    body = identities.KeyfactorApiModelsSecurityRolesRoleIdentitiesRequest.from_dict({"Ids": [held["Id"], other["Id"]]})
    ask(security_roles_update_identities_with_role, role, client=client, form_data=body, json_body=body)
    names = sorted(one.name for one in ask(security_roles_get_identities_with_role, role, client=client))
    assert names == ["EXAMPLE\\ann", "EXAMPLE\\bob"], names


def writes(client, headers, certificate, der, collection):
    """All of it, about a certificate whose private key is held."""
    metadata(client, certificate)
    files(client, certificate, der)
    stores(client, headers, enrolment(client))
    permissions(client, headers, collection)
