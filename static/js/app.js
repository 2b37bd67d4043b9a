// Behaviour of every page: dialogs, menus, copying, messages that pass by.

export function toast(text, tone = "") {
  const box = document.getElementById("toasts");
  if (!box) return;
  const note = document.createElement("div");
  note.className = `note ${tone && `note--${tone}`}`;
  note.textContent = text;
  box.append(note);
  setTimeout(() => note.remove(), 6000);
}

function openDialog(event) {
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) document.getElementById(opener.dataset.openDialog)?.showModal();
}

function closeDialog(event) {
  const closer = event.target.closest("[data-close-dialog]");
  if (closer) closer.closest("dialog").close();
  // A click on the backdrop hits the dialog element itself.
  if (event.target instanceof HTMLDialogElement) event.target.close();
}

function closeMenus(event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
}

async function copy(event) {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  await navigator.clipboard.writeText(source.textContent.trim());
  const before = button.textContent;
  button.textContent = button.dataset.copied;
  setTimeout(() => { button.textContent = before; }, 1600);
}

function confirmFirst(event) {
  const words = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (words && !window.confirm(words)) event.preventDefault();
}

document.addEventListener("click", openDialog);
document.addEventListener("click", closeDialog);
document.addEventListener("click", closeMenus);
document.addEventListener("click", copy);
document.addEventListener("submit", confirmFirst);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
