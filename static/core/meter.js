// Widths without inline styles: <i data-share="37.5"> becomes 37.5 % wide. The CSP allows the CSSOM, not style="".
function draw(root = document) {
  for (const part of root.querySelectorAll("[data-share]")) part.style.width = `${part.dataset.share}%`;
}

draw();
document.addEventListener("htmx:afterSwap", () => draw());
