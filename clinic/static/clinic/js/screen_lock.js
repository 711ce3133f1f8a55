// A screen that nobody touches locks, in every tab at once; the page stays in the browser under the lock, with whatever was typed.
// The server locks by itself and is the one that opens: this only shows it, and tells it that somebody types.
(() => {
  const box = document.getElementById("screen-lock");
  if (!box) return;
  const given = box.dataset;
  const waiting = box.firstElementChild.cloneNode(true); // what it says until the server has answered
  const isPage = box.tagName !== "DIALOG"; // the lock as a page of its own
  const tabs = new BroadcastChannel("screen-lock"); // no word of anybody in it
  const root = document.documentElement;
  const SECOND = 1000;
  const TELL_EVERY = 60 * SECOND;
  const SURE_FOR = 30 * SECOND;
  const limit = Number(given.minutes) * 60 * SECOND;
  let usedAt = Date.now(); // last touch, in any tab
  let saidAt = usedAt; // last told to the other tabs
  let toldAt = usedAt; // last told to the server
  let sureAt = usedAt; // last heard from the server that it is open
  let isLocked = isPage;
  let before = {};

  // --- Asking the server ----------------------------------------------------------------------------------------
  const token = () => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  const ask = (address, body) =>
    fetch(address, {
      method: body ? "POST" : "GET",
      body,
      redirect: "manual",
      headers: { "X-Screen-Of": given.user, "X-CSRFToken": token() },
    });
  const show = (content) => {
    box.replaceChildren(content);
    const pad = box.querySelector("[data-pad]");
    if (pad) {
      pad.hidden = false;
      box.querySelector("[data-without-pad]").hidden = true;
    }
    const passkey = box.querySelector("[data-passkey-unlock]");
    if (passkey) passkey.hidden = !window.PublicKeyCredential?.parseRequestOptionsFromJSON;
    // On a tablet the field would bring its keyboard up over the pad.
    const typing = matchMedia("(pointer: fine)").matches && box.querySelector("input[name=pin], [open] input[name=password]");
    (typing || box.querySelector("h1")).focus();
  };
  const showTemplate = (id) => show(document.getElementById(id).content.cloneNode(true));

  const takeToken = (fresh) => {
    for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = fresh;
    document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": fresh }));
  };
  const open = (fresh) => {
    takeToken(fresh);
    if (isPage) return location.assign(given.next);
    usedAt = saidAt = toldAt = sureAt = Date.now();
    isLocked = false;
    box.close();
    box.replaceChildren(waiting.cloneNode(true));
    root.classList.remove("screen-locked");
    document.title = before.title;
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    before.focus?.focus();
  };

  const heard = async (answer, isAgain = false) => {
    if (answer.status === 409) return location.reload(); // somebody else has signed in: nothing of before is shown
    if (answer.type === "opaqueredirect") {
      // Another tab may have changed the key of the session at this very moment.
      if (!isAgain) return setTimeout(() => look(true), SECOND / 2);
      return isPage ? location.reload() : showTemplate("lock-over");
    }
    if ((answer.headers.get("Content-Type") ?? "").startsWith("application/json")) return open((await answer.json()).token);
    if (!answer.ok && answer.status !== 422) return offline();
    show(document.createRange().createContextualFragment(await answer.text()));
  };
  const offline = () => !isPage && showTemplate("lock-offline");
  const look = async (isAgain = false) => {
    if (!isLocked) return;
    try {
      await heard(await ask(given.unlock), isAgain);
    } catch {
      offline();
    }
  };

  // --- Locking --------------------------------------------------------------------------------------------------
  // Two tabs that lock in the same second tell the server one after the other, each with the session of then.
  const inTurn = (work) => (navigator.locks ? navigator.locks.request("screen-lock", work) : work());
  const cover = () => {
    if (isLocked) return false;
    isLocked = true;
    before = { title: document.title, focus: document.activeElement };
    root.classList.add("screen-locked");
    document.title = given.title;
    box.showModal();
    return true;
  };
  const lock = async ({ tellServer = true } = {}) => {
    if (!cover()) return;
    tabs.postMessage("cover");
    try {
      if (tellServer) await inTurn(() => ask(given.lock, new FormData()));
    } catch {
      // Without a connection the server locks by itself.
    }
    tabs.postMessage("locked"); // not before: whoever asked the server now would hear that it is open
    look();
  };
  box.addEventListener("cancel", (event) => event.preventDefault());
  box.addEventListener("close", () => isLocked && box.showModal());
  document.addEventListener("screen-locked", () => lock({ tellServer: false }));
  tabs.addEventListener("message", ({ data }) => {
    if (!isPage && ["cover", "locked"].includes(data)) cover();
    if (data === "opened" || (data === "locked" && box.querySelector("[data-lock-waits]"))) look();
    if (data === "loaded" && isLocked && !isPage) tabs.postMessage("locked");
    if (data === "used" && !isLocked) usedAt = saidAt = Date.now();
  });

  if (!isPage) tabs.postMessage("loaded"); // on its way while the others locked, it would not have heard

  // --- Use ------------------------------------------------------------------------------------------------------
  const touched = (event) => {
    if (isLocked) {
      if (!box.contains(event.target) && !isPage) event.preventDefault();
      return;
    }
    if (Date.now() - usedAt < limit) {
      usedAt = Date.now();
      return;
    }
    event.preventDefault(); // the computer has slept: this touch only wakes it
    event.stopImmediatePropagation();
    lock();
  };
  for (const kind of ["pointerdown", "keydown", "wheel"]) document.addEventListener(kind, touched, { capture: true, passive: false });

  const tell = async () => {
    toldAt = Date.now();
    const answer = await ask(given.used, new FormData());
    if (answer.status === 204) sureAt = Date.now();
    else if (answer.status === 423 || answer.type === "opaqueredirect") lock({ tellServer: false });
    return answer.status === 204;
  };
  const tick = () => {
    if (isLocked || isPage) return;
    const now = Date.now();
    if (now - usedAt >= limit) return lock();
    if (usedAt > saidAt + SECOND) {
      saidAt = usedAt;
      tabs.postMessage("used");
    }
    if (usedAt > toldAt && now - toldAt >= TELL_EVERY) tell().catch(() => {}); // without a connection nobody is told
  };
  setInterval(tick, SECOND);
  const back = () => (isLocked && !isPage ? document.hidden || look() : tick());
  document.addEventListener("visibilitychange", back);
  window.addEventListener("pageshow", (event) => event.persisted && back());

  // --- Forms: none leaves the page for an answer that it is locked --------------------------------------------------
  let isSure = false;
  const sendWhenSure = async (form, submitter) => {
    try {
      if (!(await tell())) return;
    } catch {
      document.dispatchEvent(new CustomEvent("clinic-says", { detail: document.getElementById("words").dataset.offline }));
      return;
    }
    isSure = true;
    form.requestSubmit(submitter);
    isSure = false;
  };
  const unlock = async (body) => {
    try {
      const answer = await ask(given.unlock, body);
      await heard(answer, true);
      if (!isLocked || (isPage && answer.ok)) tabs.postMessage("opened");
    } catch {
      offline();
    }
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-unlock], [data-lock-now]")) {
      event.preventDefault();
      if (form.matches("[data-unlock]")) unlock(new FormData(form));
      else lock();
      return;
    }
    const leaves = form.getAttribute("method") === "post" && !form.closest("[hx-post], [hx-put], [hx-patch], [hx-delete]");
    if (isLocked || isSure || !leaves || Date.now() - sureAt < SURE_FOR) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    sendWhenSure(form, event.submitter);
  }, { capture: true });
  document.addEventListener("htmx:beforeRequest", (event) => isLocked && event.preventDefault());
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.status !== 423) return;
    event.preventDefault();
    lock({ tellServer: false });
  });

  // --- Inside the lock: the pad and the passkey ---------------------------------------------------------------------
  const withPasskey = async () => {
    const problem = box.querySelector("[data-passkey-problem]");
    problem.textContent = "";
    try {
      const { publicKey } = await (await ask(given.passkey)).json();
      const asked = window.PublicKeyCredential.parseRequestOptionsFromJSON(publicKey);
      const shown = await navigator.credentials.get({ publicKey: asked });
      const body = new FormData();
      body.set("credential", JSON.stringify(shown.toJSON()));
      await unlock(body);
    } catch {
      problem.textContent = problem.dataset.refused;
    }
  };
  box.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const pin = box.querySelector("input[name=pin]");
    if (!button) return;
    if ("digit" in button.dataset) pin.value = (pin.value + button.dataset.digit).slice(0, pin.maxLength);
    else if ("erase" in button.dataset) pin.value = pin.value.slice(0, -1);
    else if ("passkeyUnlock" in button.dataset) withPasskey();
    else if ("lookAgain" in button.dataset) look();
  });
  if (isPage) show(document.createRange().createContextualFragment(box.innerHTML));
})();
