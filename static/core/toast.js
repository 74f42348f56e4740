// A short note in the corner, read out politely.
const STAYS = 2400; // ms

export function toast(text) {
  const note = document.createElement("div");
  note.className = "toast-note";
  note.textContent = text;
  document.getElementById("toasts")?.append(note);
  setTimeout(() => note.remove(), STAYS);
}
