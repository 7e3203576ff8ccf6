// Keys for agents. An element says by data-key which key follows it; j and k walk the rows of data-list.
const PREFIX_MILLISECONDS = 1200;
let prefix = "";
let prefixAt = 0;

function isTyping(target) {
  return target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
}

function rows() {
  return [...document.querySelectorAll("[data-list] [data-row]")];
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => "selected" in row.dataset);
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  for (const row of all) delete row.dataset.selected;
  next.dataset.selected = "";
  next.scrollIntoView({ block: "nearest" });
}

function dockHeight() {
  return document.querySelector(".dock")?.offsetHeight ?? 0;
}

function roomHeight() {
  return innerHeight - dockHeight() - (document.querySelector(".topbar")?.offsetHeight ?? 0);
}

function follow(keys) {
  const element = document.querySelector(`[data-key="${CSS.escape(keys)}"]`);
  if (!element) return false;
  if (element.matches("input")) {
    element.focus();
    element.select();
  } else if (element.matches("summary")) {
    const details = element.parentElement;
    details.open = true;
  } else {
    element.click();
  }
  return true;
}

const actions = {
  j: () => move(1),
  k: () => move(-1),
  o: () => document.querySelector("[data-row][data-selected] [data-open]")?.click(),
  "?": () => document.getElementById("keys")?.showModal(),
  ".": () => {
    const all = document.querySelectorAll("[data-evidence]");
    const last = all[all.length - 1];
    if (last) last.open = !last.open;
  },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && isTyping(event.target)) event.target.blur();
  if (isTyping(event.target)) return;
  const keys = prefix && Date.now() - prefixAt < PREFIX_MILLISECONDS ? `${prefix} ${event.key}` : event.key;
  prefix = "";
  if (event.key === "g" && keys === "g") {
    prefix = "g";
    prefixAt = Date.now();
    return;
  }
  if (event.key === "Enter" && document.activeElement === document.body) return void actions.o();
  const action = actions[keys];
  if (action) {
    event.preventDefault();
    action();
  } else if (follow(keys)) {
    event.preventDefault();
  }
});

// A ticket opens at its last article, whole where it fits; a ticket of one article opens at its head.
const last = document.querySelector(".conversation [data-row] ~ [data-last]");
if (last && !location.hash) {
  const below = last.getBoundingClientRect().bottom - innerHeight;
  if (below > -dockHeight()) last.scrollIntoView({ block: last.offsetHeight > roomHeight() ? "start" : "end" });
}
