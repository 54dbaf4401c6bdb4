"use strict";
(() => {
  const parts = "details";
  const keys = { ArrowLeft: "prev", ArrowRight: "next" };
  const here = () => document.getElementById(location.hash.slice(1))?.closest("article[id]") ?? document;

  addEventListener("keydown", (event) => {
    const rel = keys[event.key];
    if (!rel || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest?.("input, select, textarea, .scroll")) return;
    here().querySelector(`a[rel="${rel}"]`)?.click();
  });

  for (const button of document.querySelectorAll("[data-fold]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      for (const one of button.closest("section").querySelectorAll(parts)) one.open = Boolean(button.dataset.fold);
    });
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      getSelection().selectAllChildren(code);
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.firstChild.data = "Copied";
      } catch {
        document.execCommand("copy");
      }
    });
  }
})();
