"use strict";
// What the page does besides being read: one step of a trail at a time, and findings of one rule or architecture.
document.documentElement.classList.add("live");

function choose(article, number) {
  const steps = article.querySelectorAll(".step");
  if (number < 1 || number > steps.length) return;
  article.dataset.at = number;
  for (const step of steps) step.classList.toggle("active", Number(step.dataset.step) === number);
  let line = null;
  for (const each of article.querySelectorAll(".line")) {
    const here = each.dataset.steps.split(" ").includes(String(number));
    each.classList.toggle("active", here);
    if (here) line = each;
  }
  if (line) line.scrollIntoView({ block: "nearest", inline: "nearest" });
}

for (const article of document.querySelectorAll("article")) {
  const at = () => Number(article.dataset.at || 0);
  article.querySelector(".back")?.addEventListener("click", () => choose(article, at() - 1));
  article.querySelector(".on")?.addEventListener("click", () => choose(article, at() + 1));
  for (const step of article.querySelectorAll(".step button")) {
    step.addEventListener("click", () => choose(article, Number(step.parentElement.dataset.step)));
  }
  article.addEventListener("keydown", (event) => {
    if (event.target.closest(".step, .walk") === null) return;
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move === undefined) return;
    event.preventDefault();
    choose(article, at() + move);
  });
}

const every = document.querySelector(".every");
function only(rule, world) {
  for (const article of document.querySelectorAll("article")) {
    const worlds = article.dataset.worlds.split(" ");
    article.hidden = (rule && article.dataset.rule !== rule) || (world && !worlds.includes(world));
  }
  every.hidden = !rule && !world;
}
for (const button of document.querySelectorAll("#matrix button[data-rule]")) {
  button.addEventListener("click", () => only(button.dataset.rule, button.dataset.world));
}
every?.addEventListener("click", () => only("", ""));
// Paper has every finding.
addEventListener("beforeprint", () => every && only("", ""));
