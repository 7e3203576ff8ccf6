// Menus close on a click elsewhere; menus, the panel of evidence and hover cards close on Escape; dialogs open by
// data-open-dialog.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) document.getElementById(opener.dataset.openDialog)?.showModal();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") {
    if (!["Tab", "Shift", "Control", "Alt", "Meta"].includes(event.key)) dismissCard(); // typing: nothing may cover the words
    return;
  }
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
    return;
  }
  if (!dismissCard()) closeEvidence(event.target);
});

function dismissCard() {
  const cards = [...document.querySelectorAll(".hovercard")].filter((card) => getComputedStyle(card).visibility === "visible");
  for (const card of cards) {
    const owner = card.parentElement;
    owner.dataset.dismissed = "";
    const comeBack = () => delete owner.dataset.dismissed;
    owner.addEventListener("mouseleave", comeBack, { once: true });
    owner.addEventListener("focusout", comeBack, { once: true });
  }
  return cards.length > 0;
}

function closeEvidence(target) {
  const panel = target.closest("details[data-evidence][open]") ?? [...document.querySelectorAll("details[data-evidence][open]")].at(-1);
  if (!panel || target.closest("form[data-composer]")) return;
  panel.open = false;
  panel.querySelector("summary").focus();
}
