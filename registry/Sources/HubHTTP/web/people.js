// SPDX-License-Identifier: Apache-2.0
// Follows a collection that is at work; without scripts a link does the same.
"use strict";

const progress = document.getElementById("progress");
const token = document.querySelector('meta[name="csrf"]');

async function follow(shown) {
    const answer = await fetch("/api/v1/collection", {
        headers: token ? { "X-CSRF-Token": token.content } : {},
    });
    if (!answer.ok) return;
    const { state } = await answer.json();
    // What it removed is on the page, which is asked for anew when it has ended.
    if (state === "idle") return location.reload();
    if (state !== shown) progress.textContent = `At work: ${state}.`;
    setTimeout(follow, 1000, state);
}

if (progress && progress.dataset.step !== "idle") setTimeout(follow, 1000, progress.dataset.step);
