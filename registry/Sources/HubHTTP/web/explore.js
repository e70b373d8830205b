// SPDX-License-Identifier: Apache-2.0
// Search as you type. Without this the form is sent by its button, and finds the same.
"use strict";
(() => {
    const form = document.querySelector("form.explore");
    if (!form) return;
    const count = document.getElementById("count");
    let timer;
    let request;

    // Where there is little room, what narrows down stays shut until it is wanted.
    const shut = new Map();
    const isNarrow = matchMedia("(max-width: 40rem)").matches;
    function arrangeFacets() {
        for (const facet of document.querySelectorAll("#facets details")) {
            const name = facet.querySelector("summary").textContent;
            const isShut = shut.get(name) ?? (isNarrow && !facet.querySelector(":checked"));
            facet.open = !isShut;
            facet.addEventListener("toggle", () => shut.set(name, !facet.open));
        }
    }

    function address() {
        const query = new URLSearchParams();
        for (const [name, value] of new FormData(form)) {
            if (value !== "" && !(name === "sort" && value === "relevance")) query.append(name, value);
        }
        const text = query.toString();
        return text === "" ? "/" : "/?" + text;
    }

    function replace(id, page) {
        const fresh = page.getElementById(id);
        const old = document.getElementById(id);
        if (fresh && old) old.replaceWith(document.adoptNode(fresh));
    }

    async function update() {
        request?.abort();
        request = new AbortController();
        const { signal } = request;
        const target = address();
        form.setAttribute("aria-busy", "true");
        try {
            const answer = await fetch(target, { signal, credentials: "same-origin" });
            const page = new DOMParser().parseFromString(await answer.text(), "text/html");
            const told = page.getElementById("count");
            // Signed out, or something else to be read as a page.
            if (!told) { location.assign(target); return; }
            // What was typed meanwhile is asked for next.
            if (signal.aborted) return;
            const active = document.activeElement;
            const ticked = active?.closest?.("#facets input");
            const key = ticked && [ticked.name, ticked.value];
            replace("facets", page);
            replace("results", page);
            arrangeFacets();
            if (key) {
                for (const box of form.elements) {
                    if (box.name === key[0] && box.value === key[1]) box.focus();
                }
            }
            if (count.textContent !== told.textContent) count.textContent = told.textContent;
            history.replaceState(null, "", target);
            form.removeAttribute("aria-busy");
        } catch (error) {
            if (error.name === "AbortError") return;
            form.removeAttribute("aria-busy");
            count.textContent = "The hub cannot be reached.";
        }
    }

    function later(delay) {
        clearTimeout(timer);
        timer = setTimeout(update, delay);
    }
    form.addEventListener("input", (event) => later(event.target.type === "search" ? 150 : 0));
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        later(0);
    });
    arrangeFacets();
})();
