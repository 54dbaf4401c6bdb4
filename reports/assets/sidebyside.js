/* Shows a diff in two columns on demand; the script for it stands in the site's own folder. */
for (const box of document.querySelectorAll("[data-diff]")) {
  const [patch, whole] = box.children;
  const button = document.createElement("button");
  let split;
  const fail = () => {
    button.disabled = true;
    button.textContent = "No side-by-side view";
  };
  const turn = () => {
    try {
      if (!split) box.append((split = sideBySide(patch.content.textContent)));
      whole.hidden = !whole.hidden;
      split.hidden = !whole.hidden;
      button.ariaPressed = whole.hidden;
    } catch {
      fail();
    }
  };
  button.type = "button";
  button.textContent = "Side by side";
  button.ariaPressed = false;
  button.onclick = () => {
    if (window.sideBySide) return turn();
    const script = document.createElement("script");
    script.src = box.dataset.diff;
    script.onload = turn;
    script.onerror = fail;
    document.head.append(script);
  };
  box.prepend(button);
}
