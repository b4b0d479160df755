// A Twilio account in its smallest form, which takes messages and calls where the server looks for Twilio.
import { randomBytes } from "node:crypto";
import http from "node:http";

export const newAccount = () => ({ sid: `AC${randomBytes(16).toString("hex")}`, token: randomBytes(16).toString("hex") });

/**
 * Listens at RINGPASS_TWILIO_BASE_URL. `messages` and `calls` hold what arrived; `refusal` (`code`, `message`) answers
 * whatever comes next.
 */
export async function startTwilio({ sid, token }) {
  const twilio = { messages: [], calls: [], refusal: undefined };
  const answer = (response, status, body) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ status, ...body }));
  };
  const paths = {
    [`/2010-04-01/Accounts/${sid}/Messages.json`]: ({ To, From, MessagingServiceSid, Body }) =>
      twilio.messages.push({ recipient: To, sender: From ?? MessagingServiceSid, body: Body }),
    [`/2010-04-01/Accounts/${sid}/Calls.json`]: ({ To, From, Twiml }) =>
      twilio.calls.push({ recipient: To, sender: From, twiml: Twiml }),
  };
  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const part of request.setEncoding("utf8")) body += part;
    const credentials = `Basic ${Buffer.from(`${sid}:${token}`).toString("base64")}`;
    const take = paths[request.url];
    if (request.method !== "POST" || take === undefined) {
      answer(response, 404, { code: 20404, message: "The requested resource was not found" });
    } else if (request.headers.authorization !== credentials) {
      answer(response, 401, { code: 20003, message: "Authenticate" });
    } else if (twilio.refusal !== undefined) {
      answer(response, 400, twilio.refusal);
    } else {
      const fields = Object.fromEntries(new URLSearchParams(body));
      take(fields);
      answer(response, 201, { sid: `SM${randomBytes(16).toString("hex")}`, status: "queued", to: fields.To });
    }
  });
  const { hostname, port } = new URL(process.env.RINGPASS_TWILIO_BASE_URL);
  await new Promise((ready) => server.listen(Number(port), hostname, ready));
  twilio.close = () => server.close();
  return twilio;
}

/** The code in the last message to `number`, wherever it stands. */
export const codeRead = (twilio, number) => last(twilio.messages, number).body.match(/\b\d{6}\b/)[0];

/** The code of the last call to `number`, as a person hears it: one digit at a time. */
export const codeHeard = (twilio, number) => last(twilio.calls, number).twiml.match(/\d(?:\. \d){5}/)[0].replaceAll(". ", "");

function last(sent, number) {
  const found = sent.findLast((each) => each.recipient === number);
  if (found === undefined) throw new Error(`nothing for ${number} arrived`);
  return found;
}
