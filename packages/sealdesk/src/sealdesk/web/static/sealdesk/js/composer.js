// The composer asks again how a mail would be sealed when recipients, group or choices change; the answer is the server's.
const WAIT_MILLISECONDS = 350;

function check(form) {
  window.htmx?.trigger(form, "check");
}

for (const form of document.querySelectorAll("form[data-composer]")) {
  let timer = 0;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => check(form), WAIT_MILLISECONDS);
  };

  form.addEventListener("input", (event) => {
    if (event.target.matches("[data-check]")) later();
  });

  form.addEventListener("change", (event) => {
    const toggle = event.target.closest("[data-toggle]");
    if (toggle) {
      form.querySelector(`[data-choice="${toggle.dataset.toggle}"]`).value = toggle.checked ? "on" : "off";
      check(form);
    }
    if (event.target.matches("[data-files]")) {
      const names = [...event.target.files].map((file) => file.name);
      form.querySelector("[data-file-names]").textContent = names.join(", ");
    }
  });

  form.addEventListener("click", (event) => {
    const release = event.target.closest("[data-release]");
    if (!release) return;
    event.preventDefault();
    form.querySelector(`[data-choice="${release.dataset.release}"]`).value = "off";
    check(form);
  });

  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("[data-send]"));
    }
  });
}

for (const dock of document.querySelectorAll("details[data-composer-dock]")) {
  dock.addEventListener("toggle", () => {
    if (!dock.open) return;
    dock.closest(".ticket-main").scrollIntoView({ block: "end" }); // what is answered stands right above
    dock.querySelector("[data-text]")?.focus({ preventScroll: true });
  });
}
