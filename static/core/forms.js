// data-submit-on-change on a field sends its form as soon as the value is chosen.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});
