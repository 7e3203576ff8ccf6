// Selects that act at once; questions before what cannot be undone stay in the page, not here.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});
