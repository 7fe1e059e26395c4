import { ToolCallLLM } from "llamaindex";

/**
 * Stands in for a language model that calls tools, so that the agent runs without a key: it calls the tool with the question,
 * and quotes the first passage that comes back.
 */
export class QuotingModel extends ToolCallLLM {
  supportToolCall = true;
  metadata = {
    model: "quoting",
    temperature: 0,
    topP: 1,
    contextWindow: 4096,
    tokenizer: undefined,
    structuredOutput: false,
  };

  constructor(tool) {
    super();
    this.tool = tool;
  }

  async chat({ messages, stream }) {
    const last = messages.at(-1);
    const result = last.options?.toolResult;
    // The tool gives its text as JSON.
    const passage = /\[1\] (.*?)(?:\\n|\n|$)/.exec(result?.result ?? "")?.[1];
    const delta = result === undefined ? "" : `The documents say: ${passage ?? "nothing"}`;
    const call = { id: "1", name: this.tool, input: { query: String(last.content) } };
    const options = result === undefined ? { toolCall: [call] } : {};
    if (!stream) return { message: { role: "assistant", content: delta, options }, raw: null };
    return (async function* () {
      yield { delta, options, raw: null };
    })();
  }
}
