"""What OpenSSL 3.0 says about certificates: the functions behind `openssl x509 -text -subject -ext`, called in one process.

Reads a file of certificates, each after its length as four octets, and prints one line of JSON for each.
"""

import ctypes
import json
import struct
import sys

crypto = ctypes.CDLL("libcrypto.so.3")
pointer, number = ctypes.c_void_p, ctypes.c_int


def function(name, result, *arguments):
    found = getattr(crypto, name)
    found.restype, found.argtypes = result, list(arguments)
    return found


d2i_X509 = function("d2i_X509", pointer, pointer, ctypes.POINTER(ctypes.c_char_p), ctypes.c_long)
X509_free = function("X509_free", None, pointer)
X509_get_subject_name = function("X509_get_subject_name", pointer, pointer)
X509_get_issuer_name = function("X509_get_issuer_name", pointer, pointer)
X509_NAME_print_ex = function("X509_NAME_print_ex", number, pointer, pointer, number, ctypes.c_ulong)
X509_print_ex = function("X509_print_ex", number, pointer, pointer, ctypes.c_ulong, ctypes.c_ulong)
X509_get_ext_count = function("X509_get_ext_count", number, pointer)
X509_get_ext = function("X509_get_ext", pointer, pointer, number)
X509_EXTENSION_get_object = function("X509_EXTENSION_get_object", pointer, pointer)
X509_EXTENSION_get_critical = function("X509_EXTENSION_get_critical", number, pointer)
X509V3_EXT_print = function("X509V3_EXT_print", number, pointer, pointer, ctypes.c_ulong, number)
OBJ_obj2txt = function("OBJ_obj2txt", number, ctypes.c_char_p, number, pointer, number)
BIO_s_mem = function("BIO_s_mem", pointer)
BIO_new = function("BIO_new", pointer, pointer)
BIO_free = function("BIO_free", number, pointer)
BIO_read = function("BIO_read", number, pointer, ctypes.c_char_p, number)
ERR_peek_error = function("ERR_peek_error", ctypes.c_ulong)
ERR_error_string_n = function("ERR_error_string_n", None, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_size_t)
ERR_clear_error = function("ERR_clear_error", None)

ONELINE = 8 | 2 << 16 | 1 << 23 | 0x1 | 0x2 | 0x4 | 0x10 | 0x100 | 0x200  # XN_FLAG_ONELINE
NO_SIGNATURE = 1 << 9  # X509_FLAG_NO_SIGDUMP


def printed(print_into):
    bio = BIO_new(BIO_s_mem())
    try:
        result = print_into(bio)
        taken = b""
        buffer = ctypes.create_string_buffer(65536)
        while (count := BIO_read(bio, buffer, len(buffer))) > 0:
            taken += buffer.raw[:count]
        return taken.decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode() if result > 0 else None
    finally:
        BIO_free(bio)
        ERR_clear_error()


def oid(extension):
    buffer = ctypes.create_string_buffer(512)
    OBJ_obj2txt(buffer, len(buffer), X509_EXTENSION_get_object(extension), 1)
    return buffer.value.decode()


def describe(der):
    address = ctypes.c_char_p(der)
    certificate = d2i_X509(None, ctypes.byref(address), len(der))
    if not certificate:
        message = ctypes.create_string_buffer(256)
        ERR_error_string_n(ERR_peek_error(), message, len(message))
        ERR_clear_error()
        return {"error": message.value.decode()}
    subject, issuer = X509_get_subject_name(certificate), X509_get_issuer_name(certificate)
    extensions = []
    for position in range(X509_get_ext_count(certificate)):
        extension = X509_get_ext(certificate, position)
        text = printed(lambda bio: X509V3_EXT_print(bio, extension, 0, 0))
        extensions.append({"oid": oid(extension), "critical": bool(X509_EXTENSION_get_critical(extension)), "text": text})
    found = {
        "subject": printed(lambda bio: X509_NAME_print_ex(bio, subject, 0, ONELINE)),
        "issuer": printed(lambda bio: X509_NAME_print_ex(bio, issuer, 0, ONELINE)),
        "text": printed(lambda bio: X509_print_ex(bio, certificate, ONELINE, NO_SIGNATURE)),
        "extensions": extensions,
    }
    X509_free(certificate)
    return found


data = open(sys.argv[1], "rb").read()
while data:
    (length,) = struct.unpack(">I", data[:4])
    print(json.dumps(describe(data[4 : 4 + length])))
    data = data[4 + length :]
