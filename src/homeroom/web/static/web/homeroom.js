// Copy buttons (data-copy names the element with the text) and fill buttons (data-fill names a field, data-value its value).
document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const text = document.querySelector(copy.dataset.copy).textContent.trim();
    await navigator.clipboard.writeText(text);
    const before = copy.textContent;
    copy.textContent = "Copied ✔";
    setTimeout(() => { copy.textContent = before; }, 2000);
  }
  const fill = event.target.closest("[data-fill]");
  if (fill) {
    const field = document.querySelector(fill.dataset.fill);
    field.value = fill.dataset.value;
    field.focus();
  }
});
