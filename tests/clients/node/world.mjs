// What every file here needs: the running server, its Management API, and an application that may sign people in by SMS.
import { readFileSync } from "node:fs";
import { randomBytes, randomInt } from "node:crypto";
import { ManagementClient } from "auth0";
import { startGateway } from "./gateway.mjs";

export const OTP_GRANT = "http://auth0.com/oauth/grant-type/passwordless/otp";

/** What `ringpass dev` wrote about itself: domain, issuer, clients and their secrets. */
export const settings = JSON.parse(readFileSync(process.env.RINGPASS_DEV_JSON, "utf8"));

export const management = new ManagementClient({
  domain: settings.domain,
  clientId: settings.management.client_id,
  clientSecret: settings.management.client_secret,
});

/** A number that nobody has used yet: each test signs in a person of its own. */
export const newNumber = () => `+1555${randomInt(1_000_000, 10_000_000)}`;

export const newAuthentication = () => ({
  method: "bearer",
  subject: "urn:Auth0",
  audience: "urn:MySmsGateway",
  secret: randomBytes(32).toString("hex"),
  secret_base64_encoded: false,
});

/** Everything the `sms` connection has to know to send through your own gateway. */
export const gatewayOptions = (gateway, authentication) => ({
  name: "sms",
  strategy: "sms",
  provider: "sms_gateway",
  gateway_url: gateway.url,
  gateway_authentication: authentication,
  from: "+15550009999",
  template: "Your verification code is: @@password@@",
  syntax: "md_with_macros",
  totp: { time_step: 300, length: 6 },
  forward_req_info: true,
  brute_force_protection: true,
  disable_signup: false,
});

export async function smsConnection() {
  const page = await management.connections.list({ strategy: ["sms"] });
  return page.data.find((connection) => connection.name === "sms");
}

/** A gateway the `sms` connection sends through, an API, and a confidential application that may use both. */
export async function setUp(extra = {}) {
  const authentication = newAuthentication();
  const gateway = await startGateway(authentication);
  const connection = await smsConnection();
  await management.connections.update(connection.id, { options: gatewayOptions(gateway, authentication) });

  const application = await management.clients.create({
    name: "A phone application",
    app_type: "regular_web",
    token_endpoint_auth_method: "client_secret_post",
    grant_types: [OTP_GRANT, "refresh_token", "client_credentials"],
    jwt_configuration: { alg: "RS256" },
    ...extra,
  });
  await management.connections.clients.update(connection.id, [{ client_id: application.client_id, status: true }]);

  const api = await management.resourceServers.create({
    name: "Messages",
    identifier: `https://messages.example/${randomBytes(6).toString("hex")}`,
    signing_alg: "RS256",
    allow_offline_access: true,
    scopes: [{ value: "read:messages", description: "Read messages" }],
  });
  return { gateway, connection, application, api };
}

/** The code in the last message to `number`. */
export function codeFor(gateway, number) {
  const message = gateway.messages.findLast((each) => each.recipient === number);
  if (message === undefined) throw new Error(`no message to ${number} arrived`);
  return message.body.match(/\d+$/)[0];
}

/** Six digits that are not the code. */
export const wrong = (code) => String((Number(code) + 1) % 1_000_000).padStart(6, "0");
