import { SimpleChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessageChunk } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";

/**
 * Stands in for a language model so that the application runs without a key: it quotes the first passage of its prompt.
 * Put a chat model in its place, such as `new ChatOpenAI({ model: "…" })` of @langchain/openai.
 */
export class QuotingModel extends SimpleChatModel {
  _llmType() {
    return "quoting";
  }

  async _call(messages) {
    const [, passage] = /\[1\] (.*)/.exec(String(messages.at(-1).content)) ?? [];
    return passage === undefined
      ? "The documents say nothing about this."
      : `The documents say: “${passage}” [1]`;
  }

  async *_streamResponseChunks(messages, options) {
    for (const text of (await this._call(messages, options)).split(/(?<= )/)) {
      yield new ChatGenerationChunk({ text, message: new AIMessageChunk(text) });
    }
  }
}
