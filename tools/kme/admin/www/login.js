// SPDX-License-Identifier: Apache-2.0
import { byId } from "./dom.js";

byId("login").addEventListener("submit", async (submit) => {
	submit.preventDefault();
	byId("login-error").textContent = "";
	const answer = await fetch("/api/login", {
		method: "POST",
		headers: { Authorization: `Bearer ${byId("token").value.trim()}` },
	}).catch(() => null);
	if (answer?.ok) {
		location.assign("/");
		return;
	}
	byId("login-error").textContent = answer?.status === 401 ? "That is not the token." : "The KME does not answer.";
	byId("token").select();
});
