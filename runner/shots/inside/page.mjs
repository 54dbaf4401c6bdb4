// One browser page, as a visitor uses it.
import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 8_000;
const QUIET_MS = 250;
const IDLE_MS = 5_000;
const DESKTOP = { width: 1280, height: 800, deviceScaleFactor: 1, mobile: false };
const PHONE = { width: 390, height: 780, deviceScaleFactor: 1, mobile: true };
const FIELDS = new Set(["textbox", "searchbox", "combobox", "listbox", "checkbox", "radio", "switch", "spinbutton", "slider"]);
const TYPED_AT_ONCE = 12;

export class Page {
  #requests = new Set();
  #quietSince = Date.now();
  #rule = null;
  #screen = DESKTOP;

  static async open(chromium, base) {
    const { targetId } = await chromium.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await chromium.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(chromium, sessionId, base);
    for (const domain of ["Page", "Runtime", "Network", "DOM", "Accessibility"]) await page.#send(`${domain}.enable`);
    await page.emulate("desktop");
    return page;
  }

  constructor(chromium, session, base) {
    this.chromium = chromium;
    this.session = session;
    this.base = base;
    chromium.listen((method, params, sessionId) => {
      if (sessionId === session) this.#notice(method, params);
    });
  }

  async goto(path) {
    this.#requests.clear(); // nobody tells of those that the page leaves behind
    const { errorText } = await this.#send("Page.navigate", { url: new URL(path, this.base).href });
    if (errorText) throw new Error(`${path} cannot be opened: ${errorText}`);
    await this.idle();
  }

  async click(place) {
    await this.#clickOn(await this.#find(place));
    await this.idle();
  }

  /** Replaces what is in a field; `onWay` is called while the text grows. */
  async type(text, place, onWay) {
    const object = await this.#find(place);
    await this.#clickOn(object);
    await this.#call(object, "function () { this.focus(); this.select?.(); }");
    await this.#key("Backspace", 8);
    for (let at = 0; at < text.length; at += TYPED_AT_ONCE) {
      await this.#send("Input.insertText", { text: text.slice(at, at + TYPED_AT_ONCE) });
      await onWay();
    }
  }

  async leave() {
    await this.#key("Tab", 9);
    await sleep(100);
  }

  async select(option, place) {
    const chosen = await this.#call(await this.#find(place), CHOOSE, option);
    if (!chosen) throw new Error(`There is no option "${option}".`);
    await this.idle();
  }

  async upload(file, place) {
    await this.#send("DOM.setFileInputFiles", { files: [file], objectId: await this.#find(place, { hidden: true }) });
  }

  /** Scrolls something to the middle of the screen if it is there. */
  async centre(place) {
    const object = await this.#lookUp(place);
    if (object) await this.#call(object, "function () { this.scrollIntoView({ block: 'center', behavior: 'instant' }); }");
  }

  async emulate(what) {
    if (what === "dark" || what === "light") {
      await this.#send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: what }] });
      return;
    }
    this.#screen = what === "phone" ? PHONE : DESKTOP;
    await this.#send("Emulation.setDeviceMetricsOverride", this.#screen);
  }

  /** Delays or fails requests whose address holds `match`; without one lets all of them pass. */
  async network({ match, delay_seconds = 0, fail = false }) {
    this.#rule = match ? { match, delay: delay_seconds * 1000, fail } : null;
    if (match) await this.#send("Fetch.enable", { patterns: [{ urlPattern: `*${match}*` }] });
    else await this.#send("Fetch.disable");
  }

  async see(place) {
    await this.#find(place);
  }

  /** Waits until the network has been quiet for a moment and the page has nothing left to do. */
  async idle() {
    const deadline = Date.now() + IDLE_MS;
    await sleep(50);
    while (Date.now() < deadline && (this.#requests.size > 0 || Date.now() - this.#quietSince < QUIET_MS)) await sleep(30);
    await this.#evaluate(AT_REST).catch(() => {}); // the page may be on its way to another
  }

  async capture({ scale, format, quality }) {
    const { width, height } = this.#screen;
    const clip = { x: 0, y: 0, width, height, scale };
    const scroll = await this.#evaluate("({ x: scrollX, y: scrollY })").catch(() => ({ x: 0, y: 0 }));
    clip.x += scroll.x;
    clip.y += scroll.y;
    const { data } = await this.#send("Page.captureScreenshot", { format, quality, clip });
    return Buffer.from(data, "base64");
  }

  async #send(method, params) {
    return this.chromium.send(method, params, this.session);
  }

  #notice(method, { requestId, request, type, message }) {
    if (method === "Network.requestWillBeSent" && !this.#isHeld(request.url) && type !== "EventSource") this.#requests.add(requestId);
    if (method === "Network.loadingFinished" || method === "Network.loadingFailed") {
      this.#requests.delete(requestId);
      this.#quietSince = Date.now();
    }
    if (method === "Fetch.requestPaused") void this.#hold(requestId, request.url);
    if (method === "Page.javascriptDialogOpening") void this.#send("Page.handleJavaScriptDialog", { accept: true, promptText: message }).catch(() => {});
  }

  #isHeld(url) {
    return this.#rule !== null && url.includes(this.#rule.match);
  }

  async #hold(requestId, url) {
    const rule = this.#isHeld(url) ? this.#rule : { delay: 0, fail: false };
    await sleep(rule.delay);
    const call = rule.fail
      ? this.#send("Fetch.failRequest", { requestId, errorReason: "ConnectionRefused" })
      : this.#send("Fetch.continueRequest", { requestId });
    await call.catch(() => {}); // the page has given it up
  }

  async #find(place, { hidden = false } = {}) {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const object = await this.#lookUp(place).catch((error) => {
        if (this.chromium.gone) throw error;
      });
      if (object && (hidden || (await this.#call(object, IS_VISIBLE).catch(() => false)))) return object;
      if (Date.now() > deadline) throw new Error(`There is no ${describe(place)}.`);
      await sleep(100);
    }
  }

  async #lookUp({ role, name, label, css, text }) {
    if (css) return this.#objectOf(`document.querySelector(${JSON.stringify(css)})`);
    if (text) return this.#objectOf(`(${WITH_TEXT})(${JSON.stringify(text)})`);
    const { root } = await this.#send("DOM.getDocument", { depth: 0 });
    const asked = { nodeId: root.nodeId, accessibleName: label ?? name, role };
    const { nodes } = await this.#send("Accessibility.queryAXTree", asked);
    const found = nodes.find((node) => !node.ignored && (!label || FIELDS.has(node.role?.value)));
    if (!found) return undefined;
    return (await this.#send("DOM.resolveNode", { backendNodeId: found.backendDOMNodeId })).object.objectId;
  }

  async #objectOf(expression) {
    return (await this.#send("Runtime.evaluate", { expression })).result.objectId;
  }

  async #clickOn(objectId) {
    await this.#send("DOM.scrollIntoViewIfNeeded", { objectId });
    const { quads } = await this.#send("DOM.getContentQuads", { objectId });
    const [x1, y1, , , x2, y2] = quads[0];
    const at = { x: (x1 + x2) / 2, y: (y1 + y2) / 2, button: "left", clickCount: 1 };
    await this.#send("Input.dispatchMouseEvent", { ...at, type: "mouseMoved", button: "none" });
    await this.#send("Input.dispatchMouseEvent", { ...at, type: "mousePressed" });
    await this.#send("Input.dispatchMouseEvent", { ...at, type: "mouseReleased" });
  }

  async #key(key, windowsVirtualKeyCode) {
    for (const type of ["keyDown", "keyUp"]) {
      await this.#send("Input.dispatchKeyEvent", { type, key, code: key, windowsVirtualKeyCode });
    }
  }

  async #call(objectId, functionDeclaration, ...values) {
    const asked = { objectId, functionDeclaration, arguments: values.map((value) => ({ value })), returnByValue: true };
    const { result, exceptionDetails } = await this.#send("Runtime.callFunctionOn", asked);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async #evaluate(expression) {
    const { result } = await this.#send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    return result.value;
  }
}

/** Painted, and idle twice (if ever): a framework that takes the page over works in pieces. */
const AT_REST = `new Promise((done) => {
  const rest = (then) => requestIdleCallback(then, { timeout: 500 });
  requestAnimationFrame(() => rest(() => rest(() => done(true))));
})`;

const IS_VISIBLE = `function () {
  const { width, height } = this.getBoundingClientRect();
  return width > 0 && height > 0 && getComputedStyle(this).visibility !== "hidden";
}`;

const CHOOSE = `function (wanted) {
  const option = [...(this.options ?? [])].find(({ label, value }) => label.trim() === wanted || value === wanted);
  if (!option) return false;
  option.selected = true;
  for (const type of ["input", "change"]) this.dispatchEvent(new Event(type, { bubbles: true }));
  return true;
}`;

/** The innermost element that holds the text. */
const WITH_TEXT = `(text) => {
  let found = document.body?.innerText.includes(text) ? document.body : undefined;
  for (let next = found; next; ) {
    found = next;
    next = [...found.children].find((child) => child.innerText?.includes(text));
  }
  return found;
}`;

function describe({ role, name, label, css, text }) {
  if (text) return `text "${text}" to be seen`;
  if (css) return `element ${css}`;
  return label ? `field "${label}"` : `${role}${name ? ` "${name}"` : ""}`;
}
