// The vendor's own client for JavaScript, against a started server over TLS: the whole flow of an administrator's script.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.env.CLIENT + "/");
const { ArcGISIdentityManager, request } = require("@esri/arcgis-rest-request");
// Its own File: that of Node.js is younger than some versions in use.
const { File } = require("@esri/arcgis-rest-form-data");

const root = process.env.PORTAL; // https://127.0.0.1:PORT/arcgis
const certificates = `${root}/admin/security/certificates`;
const portal = `${root}/sharing/rest`;

function check(what, holds) {
  if (!holds) {
    throw new Error(`not so: ${what}`);
  }
  console.log(`ok: ${what} (${Math.round(performance.now())} ms)`);
}

const file = (path, name) => new File([readFileSync(path)], name, { type: "application/x-pkcs12" });

async function refused(what, code, promise) {
  try {
    await promise;
  } catch (error) {
    check(`${what}: ${error.message}`, error.code === code);
    return error;
  }
  throw new Error(`${what} was not refused`);
}

const credentials = { username: "admin", password: process.env.PASSWORD, portal };
const manager = await ArcGISIdentityManager.signIn(credentials);
check("signed in", manager.token.length > 20 && manager.username === "admin");
check("for fourteen days", manager.tokenExpires - Date.now() > 13.9 * 86400000);
const user = await manager.getUser();
check("an administrator", user.role === "org_admin" && user.privileges.includes("portal:admin:manageSecurity"));
// What the client makes of the 400 of the token endpoint.
const unknown = ArcGISIdentityManager.signIn({ ...credentials, password: "wrong" });
const denied = await refused("a wrong password", "TOKEN_REFRESH_FAILED", unknown);
check("it says what did not happen", denied.message.includes("400: Unable to generate token."));

// The client binds its own tokens to addresses below the portal; for others it takes the token itself.
const authentication = manager.token;
const list = (options = {}) => request(`${certificates}/identity`, { authentication, ...options });
check("an empty list by POST", (await list()).certificates.length === 0);
check("by GET", (await list({ httpMethod: "GET" })).certificates.length === 0);
check("by GET with a hidden token", (await list({ httpMethod: "GET", hideToken: true })).certificates.length === 0);

const params = {
  certificateName: "gateway",
  certificatePassword: process.env.PFX_PASSWORD,
  certificatePfxFile: file(process.env.PFX, "gateway.pfx"),
};
const wrong = await refused("a wrong PKCS#12 password", 400, request(`${certificates}/identity/import`, {
  authentication, params: { ...params, certificatePassword: "wrong" },
}));
check("it says what was wrong", wrong.message.includes("Unable to import the certificate.")
  && JSON.stringify(wrong.response).includes("The password does not open the PKCS#12 file."));
const imported = await request(`${certificates}/identity/import`, { authentication, params });
check("imported", imported.status === "success");
await refused("the same name again", 400, request(`${certificates}/identity/import`, { authentication, params }));
const [one] = (await list()).certificates;
check("listed", one.name === "gateway" && one.type === "IDENTITY" && one.subject === "CN=127.0.0.1");
const same = await request(`${certificates}/identity/${one.id}`, { authentication, httpMethod: "GET" });
check("the one is as in the list", JSON.stringify(same) === JSON.stringify(one));

const trust = await request(`${certificates}/trust/import`, {
  authentication, params: { certificateName: "root", trustCertificateFile: file(process.env.TRUST, "root.crt") },
});
check("trusted", trust.status === "success");
const [trusted] = (await request(`${certificates}/trust`, { authentication })).certificates;

const update = await request(`${root}/admin/security/ingress/update`, {
  authentication, params: { ingressSecurityConfig: { identityCertificateName: "gateway" } },
});
check("assigned", update.status === "success");
const ingress = await request(`${root}/admin/security/ingress`, { authentication });
check("the ingress names it", ingress.identityCertificateName === "gateway");
await refused("deleting what is assigned", 400, request(`${certificates}/identity/${one.id}/delete`, { authentication }));
const back = await request(`${root}/admin/security/ingress/update`, {
  authentication, params: { ingressSecurityConfig: { identityCertificateName: "" } },
});
check("assigned back", back.status === "success");
const deleted = await request(`${certificates}/identity/${one.id}/delete`, { authentication });
check("deleted", deleted.status === "success");
check("and the trusted one", (await request(`${certificates}/trust/${trusted.id}/delete`, { authentication })).status === "success");
await refused("what is gone", 404, request(`${certificates}/identity/${one.id}`, { authentication }));

// A token that ends: the client notices 498 and signs in again by itself.
const short = new ArcGISIdentityManager({ ...credentials, tokenDuration: 1 });
await short.getUser();
check("a token for a minute", short.tokenExpires - Date.now() < 61000);
const stale = new ArcGISIdentityManager({ ...credentials, token: "chb_ended", tokenExpires: new Date(Date.now() + 600000), tokenDuration: 60 });
const again = await request(`${portal}/community/self`, { authentication: stale });
check("signed in again after 498", again.username === "admin" && stale.token !== "chb_ended");
await refused("no token", 499, request(`${certificates}/identity`));
await refused("a token that is none", 498, request(`${certificates}/identity`, { authentication: "garbage" }));
console.log("done");
process.exit(0);
