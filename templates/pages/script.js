// What the hosted pages do besides working without it.
"use strict";

// A form is sent once, however often its button is pressed.
for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    if (form.getAttribute("aria-busy") === "true") event.preventDefault();
    else form.setAttribute("aria-busy", "true");
  });
}
addEventListener("pageshow", () => {
  for (const form of document.forms) form.removeAttribute("aria-busy");
});

// The code: sent when its last digit is there, unless there is something else to choose first, and read out of the text
// message where the browser can.
const code = document.querySelector("input[name=code][data-length]");
if (code) {
  const send = () => {
    if (!code.form.querySelector("[type=checkbox]")) code.form.requestSubmit(code.form.querySelector(".primary"));
  };
  const digits = () => code.value.replace(/\D/g, "");
  let before = digits();
  code.addEventListener("input", () => {
    const now = digits();
    const complete = now.length === Number(code.dataset.length) && now !== before;
    before = now;
    if (complete) send();
  });
  if ("otp" in code.dataset && "OTPCredential" in window) {
    const stop = new AbortController();
    code.form.addEventListener("submit", () => stop.abort());
    navigator.credentials.get({ otp: { transport: ["sms"] }, signal: stop.signal }).then((read) => {
      if (!read) return;
      code.value = read.code;
      send();
    }, () => {});
  }
}

// Asking again: the wait counts down. Until then the style sheet hides the button where scripts run.
for (const button of document.querySelectorAll("button[data-wait]")) {
  const told = button.parentElement.querySelector(".wait");
  const end = Date.now() + Number(button.dataset.wait) * 1000;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left > 0) {
      if (told) told.textContent = told.dataset.text.replace("{}", left);
      setTimeout(tick, 1000);
    } else {
      button.removeAttribute("data-wait");
      if (told) told.remove();
    }
  };
  tick();
}

// The country follows a number that is typed with its calling code.
const country = document.querySelector("select[name=country]");
const number = document.querySelector("input[type=tel]");
if (country && number) {
  number.addEventListener("input", () => {
    const typed = number.value.replace(/[^\d+]/g, "").replace(/^00/, "+");
    if (!typed.startsWith("+")) return;
    const codeOf = (option) => option.dataset.code;
    if (typed.startsWith("+" + codeOf(country.selectedOptions[0]))) return;
    const fits = [...country.options].filter((option) => typed.startsWith("+" + codeOf(option)));
    fits.sort((one, two) => ("main" in two.dataset) - ("main" in one.dataset) || codeOf(two).length - codeOf(one).length);
    if (fits.length) country.value = fits[0].value;
  });
}

// What is to be kept can be copied.
for (const button of document.querySelectorAll("button.copy")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    navigator.clipboard.writeText(text).then(() => (button.textContent = button.dataset.done), () => {});
  });
}

// The password can be looked at.
for (const button of document.querySelectorAll("button.reveal")) {
  const field = document.getElementById(button.getAttribute("aria-controls"));
  const show = (visible) => {
    field.type = visible ? "text" : "password";
    button.classList.toggle("on", visible);
    button.title = visible ? button.dataset.hide : button.dataset.show;
    button.setAttribute("aria-label", button.title);
  };
  show(false);
  button.hidden = false;
  button.addEventListener("click", () => show(field.type === "password"));
  field.form.addEventListener("submit", () => show(false));
}
