// SPDX-License-Identifier: Apache-2.0
// What the page of a filter does better with a script: copying, and checking while somebody types. Whatever comes from
// the hub goes into the page as text.
"use strict";

for (const code of document.querySelectorAll("code[data-snippet], code[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
        button.textContent = (await copy(code)) ? "Copied" : "Select and copy it";
        setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    code.closest("figure").append(button);
}

async function copy(element) {
    try {
        await navigator.clipboard.writeText(element.textContent);
        return true;
    } catch {
        // Without encryption there is no clipboard for scripts, but one for selections.
        const range = document.createRange();
        range.selectNodeContents(element);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        return document.execCommand("copy");
    }
}

const form = document.getElementById("configuration");
let turn = 0;
let timer;

async function check() {
    const mine = ++turn;
    let answer;
    try {
        const reply = await fetch(location.pathname, {
            method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams(new FormData(form)),
        });
        if (!reply.ok) return;
        answer = await reply.json();
    } catch {
        return;
    }
    // An answer to what was written before says nothing any more.
    if (mine === turn) show(answer);
}

function show(answer) {
    for (const code of document.querySelectorAll("code[data-snippet]")) {
        if (code.dataset.snippet in answer.snippets) code.textContent = answer.snippets[code.dataset.snippet];
    }
    const messages = new Map(answer.problems.map((problem) => [problem.input, problem.message]));
    const rest = new Set(answer.problems);
    for (const place of form.querySelectorAll("[data-problem]")) {
        const message = messages.get(place.dataset.problem) ?? "";
        if (place.textContent !== message) place.textContent = message;
    }
    for (const field of form.elements) {
        if (messages.has(field.name)) field.setAttribute("aria-invalid", "true");
        else field.removeAttribute("aria-invalid");
    }
    const list = document.createElement("ul");
    for (const problem of rest) {
        const item = document.createElement("li");
        item.textContent = `${problem.place}: ${problem.message}`;
        list.append(item);
    }
    const problems = document.getElementById("problems");
    problems.replaceChildren();
    if (answer.problems.length > 0) problems.append(list);
    else if (answer.isRight) problems.textContent = "The filter takes this configuration.";
}

if (form) {
    form.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(check, 200);
    });
}
