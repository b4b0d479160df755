// express-openid-connect: a server application with a session of its own, by its default (an ID token in a posted form)
// and by the code flow.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import express from "express";
import oidc from "express-openid-connect";
import * as world from "./world.mjs";

world.useBrowser();

/** An application that shows people what it knows of them. */
async function startShop(client, options) {
  const shop = express();
  const origin = await world.serve(shop);
  const { client_id, client_secret } = await world.register(origin, {
    app_type: "regular_web",
    token_endpoint_auth_method: "client_secret_post",
    ...client,
  });
  // Before the sign-in: its sliding session would be set anew by the icon that the browser asks for on its own, even after
  // a log-out that overtook it.
  shop.get("/favicon.ico", (request, response) => response.sendStatus(404));
  shop.use(
    oidc.auth({
      issuerBaseURL: world.settings.issuer,
      baseURL: origin,
      clientID: client_id,
      secret: "a secret that signs the cookies of this application",
      authRequired: false,
      ...options(client_secret),
    }),
  );
  shop.get("/", (request, response) => response.json(request.oidc.isAuthenticated()));
  shop.get("/profile", oidc.requiresAuth(), async (request, response) => {
    const { accessToken, refreshToken, user } = request.oidc;
    response.json({ user, accessToken, refreshToken, profile: accessToken && (await request.oidc.fetchUserInfo()) });
  });
  return origin;
}

const read = async (page) => JSON.parse(await page.locator("body").innerText());

for (const [how, options] of [["", world.DESK], [", without JavaScript", { ...world.PHONE, javaScriptEnabled: false }]]) {
  test(`the default: an ID token comes in a posted form${how}`, async (t) => {
    const origin = await startShop({ grant_types: ["implicit"] }, () => ({}));
    const page = await world.person(t, options);
    const number = world.newNumber();
    await page.goto(`${origin}/profile`);
    await world.signInHere(page, number);
    if (options.javaScriptEnabled === false) await world.follow(page, () => page.getByRole("button").click());
    await page.waitForURL(`${origin}/profile`);
    const { user, accessToken } = await read(page);
    assert.match(user.sub, /^sms\|/);
    assert.equal(user.name, number);
    assert.equal(accessToken, undefined);
  });
}

describe("the code flow", () => {
  let origin;
  before(async () => {
    origin = await startShop({ grant_types: ["authorization_code", "refresh_token"] }, (clientSecret) => ({
      clientSecret,
      idpLogout: true,
      authorizationParams: {
        response_type: "code",
        scope: "openid profile phone offline_access",
        audience: world.settings.api.audience,
      },
    }));
  });

  test("gives the application tokens to call APIs with", async (t) => {
    const page = await world.person(t, world.DESK);
    const number = world.newNumber();
    await page.goto(`${origin}/profile`);
    await world.signInHere(page, number);
    const { user, accessToken, refreshToken, profile } = await read(page);
    assert.equal(user.phone_number, number);
    assert.equal(profile.sub, user.sub);
    assert.ok(refreshToken);
    assert.ok(world.claimsOf(accessToken.access_token).aud.includes(world.settings.api.audience));

    await page.goto(`${origin}/logout`);
    assert.equal(page.url(), `${origin}/`);
    assert.equal(await read(page), false);
    await page.goto(`${origin}/profile`);
    assert.equal(await world.heading(page), "Sign in");
  });
});
