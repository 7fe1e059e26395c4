import { StringOutputParser } from "@langchain/core/output_parsers";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { retriever } from "../../../lib/documents.mjs";
import { QuotingModel } from "../../../lib/model.mjs";

export const dynamic = "force-dynamic";

const prompt = ChatPromptTemplate.fromTemplate(
  "Answer the question from these passages only, and name them by their number.\n\n{context}\n\nQuestion: {question}",
);
const answers = prompt.pipe(new QuotingModel({})).pipe(new StringOutputParser());

/** Answers with lines of JSON: the sources, then parts of the answer. */
export async function POST(request) {
  const { question } = await request.json();
  if (typeof question !== "string" || question.trim() === "" || question.length > 2000) {
    return Response.json({ error: "question is a text of at most 2,000 characters." }, { status: 400 });
  }
  const { signal } = request;
  const sources = await (await retriever()).invoke(question, { signal });
  const context = sources.map(({ pageContent }, place) => `[${place + 1}] ${pageContent}`).join("\n");
  const stream = await answers.stream({ context, question }, { signal });
  return new Response(lines(sources, stream), { headers: { "content-type": "application/x-ndjson" } });
}

function lines(sources, stream) {
  const encoder = new TextEncoder();
  const line = (value) => encoder.encode(`${JSON.stringify(value)}\n`);
  return new ReadableStream({
    async start(controller) {
      const shown = sources.map(({ pageContent, metadata }) => ({
        title: metadata.title,
        text: pageContent,
      }));
      controller.enqueue(line({ sources: shown }));
      try {
        for await (const text of stream) controller.enqueue(line({ text }));
        controller.close();
      } catch (error) {
        controller.error(error);
      }
    },
  });
}
