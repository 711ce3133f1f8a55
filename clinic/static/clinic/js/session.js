// The draft of a session keeps what is typed by itself: every few seconds, when something has changed. Nothing is kept
// in the browser. When the sign-in has run out the page hides, and goes on once somebody has signed in again.
(() => {
  const form = document.getElementById("session-form");
  const lock = document.getElementById("signed-out");
  const refusal = document.getElementById("not-kept");
  const note = document.querySelector("[data-saved]");
  const ABOUT_THE_PAGE = new Set(["csrfmiddlewaretoken", "version", "window", "shows"]);

  const typed = () =>
    new URLSearchParams([...new FormData(form)].filter(([name]) => !ABOUT_THE_PAGE.has(name))).toString();
  let kept = "atOnce" in form.dataset ? null : typed();
  let savedAt = note.dataset.at;
  let isOffline = false;
  let isOver = false; // written elsewhere too, or signed: this page keeps nothing any more

  const ask = (options) =>
    fetch(form.dataset.typing, { redirect: "manual", headers: { "X-Unattended": "yes" }, ...options });
  const send = () => ask({ method: "POST", body: new URLSearchParams([...new FormData(form)]) });
  const isOurs = (answer) => (answer.headers.get("Content-Type") ?? "").startsWith("application/json");

  const isSignedOut = () => !lock.hidden;
  const hide = (away) => {
    if (isSignedOut() === away) return;
    document.documentElement.classList.toggle("is-signed-out", away);
    lock.hidden = !away;
    if (away) lock.focus();
  };
  const say = (sentence) => {
    refusal.textContent = sentence;
    refusal.hidden = sentence === "";
  };
  const refused = async (answer) => {
    if (isOurs(answer)) say((await answer.json()).sentence);
    isOver = answer.status === 403 || answer.status === 409;
  };

  // Signing in gives the browser a new token; with its old one the page would be refused from then on.
  const comeBack = async () => {
    const answer = await ask({ method: "GET" });
    // Signed in, but as somebody for whom this is not there: it stays hidden.
    const isNotTheirs = answer.status === 404;
    hide(answer.type === "opaqueredirect" || isNotTheirs);
    if (isSignedOut()) return;
    if (!answer.ok) return refused(answer);
    const { token } = await answer.json();
    for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
    document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
  };

  const keep = async () => {
    if (isSignedOut()) await comeBack();
    const now = typed();
    if (isSignedOut() || isOver || now === kept) return;
    let answer = await send();
    // 403 without a sentence of ours: the token is an old one, somebody has signed in in another tab.
    if (answer.status === 403 && !isOurs(answer)) {
      await comeBack();
      if (isSignedOut() || isOver) return;
      answer = await send();
    }
    if (answer.type === "opaqueredirect") return hide(true);
    if (!answer.ok) return refused(answer);
    savedAt = (await answer.json()).at;
    kept = now;
    say("");
  };
  const tryToKeep = async () => {
    try {
      await keep();
      isOffline = false;
    } catch {
      isOffline = true;
    }
    note.textContent = (isOffline ? note.dataset.offline : note.dataset.saved).replace("%time", savedAt);
  };
  let turn = Promise.resolve();
  const inTurn = () => (turn = turn.then(tryToKeep));

  const isLocked = () => document.documentElement.classList.contains("screen-locked");
  const look = () => {
    if (isLocked()) return; // nobody types under the lock
    if (isSignedOut() || (!isOver && typed() !== kept)) inTurn();
  };
  setInterval(look, Number(form.dataset.seconds) * 1000);
  document.addEventListener("visibilitychange", look);
  window.addEventListener("focus", look);
  if (kept === null) inTurn();

  // The running totals notice an expired sign-in too; the page must not be left for the sign-in page then.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (!event.detail.xhr.getResponseHeader("HX-Redirect")) return;
    event.preventDefault();
    hide(true);
  });

  // A signature that would end on the sign-in page is not sent: what was typed would be gone with the page.
  let isSure = false;
  form.addEventListener("submit", async (event) => {
    if (isSure || event.submitter?.name === "forget") return;
    event.preventDefault();
    kept = null; // asked even if nothing has changed: the sign-in may have run out since
    await inTurn();
    if (isSignedOut() || isOffline) return;
    isSure = true;
    form.requestSubmit(event.submitter);
    isSure = false;
  });
})();
