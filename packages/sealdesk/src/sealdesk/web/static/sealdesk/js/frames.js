// The frame of formatted mail is as high as its content; remote pictures load only on a click.
function fit(frame) {
  const body = frame.contentDocument?.body;
  if (body) frame.style.height = `${Math.min(Math.max(body.scrollHeight + 32, 96), 6000)}px`;
}

for (const frame of document.querySelectorAll("iframe[data-fit]")) {
  frame.addEventListener("load", () => fit(frame));
  frame.closest("details")?.addEventListener("toggle", () => fit(frame));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-load-pictures]");
  if (!button) return;
  const frame = button.closest("details").querySelector("iframe[data-fit]");
  frame.src = button.dataset.loadPictures;
  button.closest("p").hidden = true;
});
