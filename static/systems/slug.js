// <input data-slug-of="consumer provider operation">: suggests a short name from these fields until the person types one.
function slugified(text) {
  const plain = text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  return plain.replace(/[^a-z0-9\s_-]/g, "").trim().replace(/[-\s]+/g, "-").replace(/^[-_]+|[-_]+$/g, "");
}

function textOf(field) {
  return field.tagName === "SELECT" ? (field.value ? field.selectedOptions[0].textContent : "") : field.value;
}

function suggest(slug) {
  const fields = slug.dataset.slugOf.split(" ").map((name) => slug.form.elements[name]);
  let own = slug.value !== "";
  const fill = () => {
    if (own) return;
    slug.value = slugified(fields.map(textOf).join(" ")).slice(0, slug.maxLength > 0 ? slug.maxLength : 60);
  };
  slug.addEventListener("input", () => (own = slug.value !== ""));
  for (const field of fields) field.addEventListener("input", fill);
  fill();
}

for (const slug of document.querySelectorAll("[data-slug-of]")) suggest(slug);
