// <form data-confirm="Delete the plan?"> or a submit button with it: asks before the form is sent.
const dialog = document.getElementById("confirm");

/** Ask *text*; resolves to true when the person continues. */
export function confirmed(text, yes = "") {
  dialog.querySelector("p").textContent = text;
  const button = dialog.querySelector("[value=yes]");
  button.dataset.word ??= button.textContent;
  button.textContent = yes || button.dataset.word;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

function question(form, submitter) {
  return submitter?.dataset.confirm ? submitter : form.dataset.confirm ? form : null;
}

if (dialog) {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const asking = question(form, event.submitter);
    if (!asking || form.dataset.confirmed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!(await confirmed(asking.dataset.confirm, asking.dataset.confirmYes))) return;
    if (!form.isConnected) { // its part of the page was replaced while the person read: send what was confirmed
      form.hidden = true;
      document.body.append(form);
    }
    form.dataset.confirmed = "yes";
    form.requestSubmit(event.submitter ?? undefined);
    delete form.dataset.confirmed;
  }, true);

  document.addEventListener("htmx:confirm", async (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    if (await confirmed(event.detail.question)) event.detail.issueRequest(true);
  });
}
