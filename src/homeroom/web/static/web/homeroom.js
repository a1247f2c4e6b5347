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
// What htmx put into the page may say which details it needs open (data-open).
document.addEventListener("htmx:afterSettle", () => {
  const asks = document.querySelector("[data-open]");
  if (asks) document.querySelector(asks.dataset.open)?.setAttribute("open", "");
});
// Ticks of a list: one box ticks all of a name (data-tick-all), and how many are ticked is told (data-ticked).
const ticks = (name) => [...document.querySelectorAll(`input[type=checkbox][name="${name}"]`)];
const tell = () => {
  document.querySelectorAll("[data-ticked]").forEach((told) => {
    const count = ticks(told.dataset.ticked).filter((box) => box.checked).length;
    const all = ticks("all").some((box) => box.checked);
    told.textContent = all ? `All ${told.dataset.all} chosen` : `${count} chosen`;
  });
};
document.addEventListener("change", (event) => {
  const all = event.target.closest("[data-tick-all]");
  if (all) ticks(all.dataset.tickAll).forEach((box) => { box.checked = all.checked; });
  tell();
});
document.querySelectorAll("[data-needs-script]").forEach((element) => { element.hidden = false; });
tell();
