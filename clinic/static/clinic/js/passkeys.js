// Says in words what allauth's passkey scripts only report: why a passkey was not made or not used.
const problem = document.getElementById("passkey-problem");

function say(words) {
  if (problem) problem.textContent = words;
}

const isNumber = /^[\d.]+$|:/.test(window.location.hostname);
const isPossible = window.isSecureContext && "credentials" in navigator && !isNumber;

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const isKnown = event.detail.exception && event.detail.exception.name === "InvalidStateError";
  say(isKnown ? problem.dataset.known : problem.dataset.refused);
});

for (const button of document.querySelectorAll("#passkey-use, #passkey-add, #passkey-sign-in")) {
  // In front of allauth's own listener, which would ask the browser for what it cannot do.
  button.addEventListener("click", (event) => {
    say("");
    if (isPossible) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    say(problem.dataset.impossible);
  }, { capture: true });
}
