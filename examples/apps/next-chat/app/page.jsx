"use client";

import { useState } from "react";

export default function Page() {
  const [turns, setTurns] = useState([]);
  const [isBusy, setBusy] = useState(false);

  async function ask(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const question = new FormData(form).get("question").trim();
    if (question === "") return;
    form.reset();
    setBusy(true);
    const change = (edit) => setTurns((all) => [...all.slice(0, -1), edit(all.at(-1))]);
    setTurns((all) => [...all, { id: all.length, question, answer: "", sources: [] }]);
    try {
      for await (const part of answerTo(question)) {
        change((turn) => ({ ...turn, ...part, answer: turn.answer + (part.text ?? "") }));
      }
    } catch (error) {
      change((turn) => ({ ...turn, error: error.message }));
    }
    setBusy(false);
  }

  return (
    <main>
      <h1>Ask the documents</h1>
      <ol aria-live="polite" aria-busy={isBusy}>
        {turns.map(({ id, question, answer, sources, error }) => (
          <li key={id}>
            <p className="question">{question}</p>
            <p className="answer">{error ?? answer}</p>
            {sources.length > 0 && (
              <details>
                <summary>{sources.length} passages</summary>
                <ol>
                  {sources.map(({ title, text }) => (
                    <li key={text}>
                      <strong>{title}</strong> {text}
                    </li>
                  ))}
                </ol>
              </details>
            )}
          </li>
        ))}
      </ol>
      <form onSubmit={ask}>
        <input name="question" aria-label="Question" placeholder="Where is the main valve?" />
        <button type="submit" disabled={isBusy}>
          Ask
        </button>
      </form>
    </main>
  );
}

/** Parts of the answer, each a line of JSON. */
async function* answerTo(question) {
  const response = await fetch("/api/chat", { method: "POST", body: JSON.stringify({ question }) });
  if (!response.ok) throw new Error((await response.json()).error ?? "The chat failed.");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) yield JSON.parse(part);
  }
}
