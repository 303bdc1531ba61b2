// Commands. The answer is the daemon's own, verified there; silence is told as silence.

/**
 * @returns {Promise<{ok: boolean, status: number, body: any}>}
 */
export async function command(path, body) {
  const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;
  try {
    const answer = await fetch(`/api/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...body, command_id: id }),
    });
    const told = await answer.json();
    if (answer.ok) return { ok: true, status: answer.status, body: told };
    return { ok: false, status: answer.status, body: told.error };
  } catch {
    const message = "The daemon did not answer at all. Nothing is known about the outcome.";
    return { ok: false, status: 0, body: { code: "unreachable", message } };
  }
}
