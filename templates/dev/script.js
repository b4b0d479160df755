// The pages work without this: here the inbox keeps itself up to date, codes get a copy button, and times turn local.
"use strict";

function dress(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    const today = at.toDateString() === new Date().toDateString();
    time.textContent = today ? at.toLocaleTimeString() : at.toLocaleString();
  }
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("button.copy")) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed";
  }
  setTimeout(() => (button.textContent = "Copy"), 1500);
});

function follow(list) {
  const live = document.getElementById("live");
  const announce = document.getElementById("announce");
  let version = list.dataset.version;

  function show(html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const fresh = page.getElementById("conversations");
    const isNew = (item) => !document.getElementById(item.id);
    const added = [...fresh.querySelectorAll(".bubbles > li")].filter(isNew);
    for (const item of added) item.classList.add("new");
    for (const open of list.querySelectorAll("details[open]")) fresh.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
    const focused = list.contains(document.activeElement) ? document.activeElement.id : "";
    dress(fresh);
    list.replaceChildren(...fresh.childNodes);
    if (focused) document.getElementById(focused)?.focus();
    if (!added.length) return;
    const words = added[0].querySelector(".text").textContent;
    const recipient = added[0].closest(".conversation").querySelector("h2").textContent;
    announce.textContent = `New message to ${recipient}: ${words}`;
  }

  async function look() {
    if (document.hidden) return;
    try {
      const answer = await fetch("/dev/inbox", { headers: { "If-None-Match": version }, cache: "no-store" });
      if (answer.status === 200) {
        version = answer.headers.get("ETag");
        show(await answer.text());
      }
      say("Live", false);
    } catch {
      say("Server does not answer", true);
    }
  }

  function say(words, lost) {
    live.hidden = false;
    live.classList.toggle("lost", lost);
    if (live.textContent !== words) live.textContent = words;
  }

  async function forever() {
    await look();
    setTimeout(forever, 1000);
  }
  document.addEventListener("visibilitychange", look);
  forever();
}

dress(document);
const list = document.getElementById("conversations");
if (list) follow(list);
