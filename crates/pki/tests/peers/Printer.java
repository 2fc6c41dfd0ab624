// What OpenJDK says about certificates: reads a file of certificates, each after its length as four octets, and prints
// one line of JSON for each. Run as `java Printer.java FILE`.

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

public class Printer {
    public static void main(String[] arguments) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        PrintStream out = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), false, "UTF-8");
        try (DataInputStream in = new DataInputStream(Files.newInputStream(Path.of(arguments[0])))) {
            while (in.available() > 0) {
                byte[] der = in.readNBytes(in.readInt());
                StringBuilder line = new StringBuilder("{");
                try {
                    describe(line, (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der)));
                } catch (Exception e) {
                    line.setLength(1);
                    field(line, "error", String.valueOf(e.getMessage()));
                }
                out.append(line).append("}\n");
            }
        }
        out.flush();
    }

    private static void describe(StringBuilder line, X509Certificate c) throws Exception {
        field(line, "subject", c.getSubjectX500Principal().toString());
        field(line, "issuer", c.getIssuerX500Principal().toString());
        field(line, "javaSerial", c.getSerialNumber().toString(16));
        field(line, "begins", c.getNotBefore().toString());
        field(line, "ends", c.getNotAfter().toString());
        field(line, "signatureName", c.getSigAlgName());
        field(line, "subjectName", c.getSubjectDN().toString());
        list(line, "generalNames", generalNames(c));
        field(line, "md5", hex(java.security.MessageDigest.getInstance("MD5").digest(c.getEncoded())));
        field(line, "serial", hex(c.getSerialNumber().toByteArray()));
        number(line, "version", c.getVersion());
        number(line, "notBefore", c.getNotBefore().getTime());
        number(line, "notAfter", c.getNotAfter().getTime());
        field(line, "signatureOid", c.getSigAlgOID());
        byte[] parameters = c.getSigAlgParams();
        if (parameters != null) {
            field(line, "signatureParameters", hex(parameters));
        }
        number(line, "basicConstraints", c.getBasicConstraints());
        boolean[] usage = c.getKeyUsage();
        if (usage != null) {
            StringBuilder bits = new StringBuilder();
            for (boolean bit : usage) {
                bits.append(bit ? '1' : '0');
            }
            field(line, "keyUsage", bits.toString());
        }
        if (c.getExtendedKeyUsage() != null) {
            list(line, "extendedKeyUsage", c.getExtendedKeyUsage());
        }
        oids(line, "critical", c.getCriticalExtensionOIDs());
        oids(line, "nonCritical", c.getNonCriticalExtensionOIDs());
        try {
            Collection<List<?>> names = c.getSubjectAlternativeNames();
            if (names != null) {
                List<String> shown = new java.util.ArrayList<>();
                for (List<?> name : names) {
                    Object value = name.get(1);
                    shown.add(name.get(0) + " " + (value instanceof byte[] octets ? hex(octets) : value.toString()));
                }
                list(line, "names", shown);
            }
        } catch (Exception e) {
            field(line, "namesError", String.valueOf(e.getMessage()));
        }
        try {
            java.security.PublicKey key = c.getPublicKey();
            field(line, "keyAlgorithm", key.getAlgorithm());
            if (key instanceof java.security.interfaces.RSAPublicKey rsa) {
                number(line, "keyBits", rsa.getModulus().bitLength());
                field(line, "exponent", hex(rsa.getPublicExponent().toByteArray()));
            }
            if (key instanceof java.security.interfaces.ECPublicKey ec) {
                number(line, "keyBits", ec.getParams().getCurve().getField().getFieldSize());
            }
            if (key instanceof java.security.interfaces.DSAPublicKey dsa && dsa.getParams() != null) {
                number(line, "keyBits", dsa.getParams().getP().bitLength());
            }
        } catch (Exception e) {
            field(line, "keyError", String.valueOf(e.getMessage()));
        }
    }

    // The class behind the interface prints each name; the package is opened by --add-exports.
    private static List<String> generalNames(X509Certificate c) throws Exception {
        List<String> shown = new java.util.ArrayList<>();
        sun.security.x509.SubjectAlternativeNameExtension extension =
            ((sun.security.x509.X509CertImpl) c).getSubjectAlternativeNameExtension();
        if (extension != null) {
            for (sun.security.x509.GeneralName name
                    : extension.get(sun.security.x509.SubjectAlternativeNameExtension.SUBJECT_NAME).names()) {
                shown.add(name.toString());
            }
        }
        return shown;
    }

    private static String hex(byte[] octets) {
        return HexFormat.of().formatHex(octets);
    }

    private static void oids(StringBuilder line, String name, Set<String> oids) {
        list(line, name, oids == null ? List.of() : new TreeSet<>(oids));
    }

    private static void key(StringBuilder line, String name) {
        if (line.length() > 1) {
            line.append(',');
        }
        quote(line, name);
        line.append(':');
    }

    private static void field(StringBuilder line, String name, String value) {
        key(line, name);
        quote(line, value);
    }

    private static void number(StringBuilder line, String name, long value) {
        key(line, name);
        line.append(value);
    }

    private static void list(StringBuilder line, String name, Collection<String> values) {
        key(line, name);
        line.append('[');
        String separator = "";
        for (String value : values) {
            line.append(separator);
            quote(line, value);
            separator = ",";
        }
        line.append(']');
    }

    private static void quote(StringBuilder line, String value) {
        line.append('"');
        for (char c : value.toCharArray()) {
            if (c == '"' || c == '\\') {
                line.append('\\').append(c);
            } else if (c < 32) {
                line.append(String.format("\\u%04x", (int) c));
            } else {
                line.append(c);
            }
        }
        line.append('"');
    }
}
