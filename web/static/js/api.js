// Reads and commands. The answer is the daemon's own, verified there; silence is told as silence.

/** One read; `{ok, body}`, and of a failure what the daemon says. */
export async function read(path) {
  try {
    const answer = await fetch(`/api/${path}`, { cache: "no-store" });
    const told = await answer.json();
    return answer.ok ? { ok: true, body: told } : { ok: false, body: told.error };
  } catch {
    return { ok: false, body: { code: "unreachable", message: "The daemon did not answer." } };
  }
}

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
