// The CSRF token for htmx and for fetch() of other modules.
export function csrfToken() {
  return document.querySelector("meta[name=csrf-token]").content;
}

/** fetch() that posts JSON with the CSRF token; answers the Response. */
export function postJson(url, data, options = {}) {
  return fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken() },
    body: JSON.stringify(data),
    ...options,
  });
}

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = csrfToken();
});
