// Sends until the server has answered: no connection or a 5xx is tried again, sooner when the connection is back.
import { csrfToken } from "../core/csrf.js";

const LONGEST = 15_000; // ms between tries

/** A refusal of the server: trying again would not help. */
export class Refused extends Error {
  constructor(message, signedOut = false) {
    super(message);
    this.signedOut = signedOut;
  }
}

function pause(ms) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    }
    addEventListener("online", done);
  });
}

async function problem(response) {
  try {
    return (await response.json()).detail;
  } catch {
    return `${response.status} ${response.statusText}`;
  }
}

/**
 * POST *body* (made anew by the function for every try) to *url*; resolves to the Response.
 * *waiting(tries)* is told when a try did not come through. Throws Refused on a 4xx or when signed out.
 */
export async function send(url, body, { waiting = () => {}, signedOut = "" } = {}) {
  for (let tries = 1; ; tries += 1) {
    try {
      const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
      const response = await fetch(url, { method: "POST", body: body(), headers });
      if (response.redirected || response.status === 401) throw new Refused(signedOut, true);
      if (response.ok) return response;
      if (response.status < 500) throw new Refused(await problem(response));
    } catch (error) {
      if (error instanceof Refused) throw error;
    }
    waiting(tries);
    await pause(Math.min(1000 * 2 ** (tries - 1), LONGEST));
  }
}
