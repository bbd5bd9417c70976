// Probot as a middleware of Node's own server, after its documentation. Its throttling of writes (a comment every three
// seconds), which is on by default, is off.
import { createServer } from "node:http";
import { createNodeMiddleware, Probot, ProbotOctokit } from "probot";

const { PEER_FORGE, PEER_PORT, PEER_SECRET, PEER_TOKEN } = process.env;

const probot = new Probot({
  githubToken: PEER_TOKEN,
  secret: PEER_SECRET,
  baseUrl: PEER_FORGE,
  logLevel: "error",
  Octokit: ProbotOctokit.defaults((options) => ({ ...options, throttle: { enabled: false } })),
});

const bot = (app) => {
  app.on("issue_comment.created", async (context) => {
    await context.octokit.rest.issues.createComment(context.issue({ body: `reply:${context.payload.comment.id}` }));
  });
};

const middleware = await createNodeMiddleware(bot, { probot });

createServer((request, response) => {
  middleware(request, response, () => response.writeHead(request.url === "/health" ? 200 : 404).end());
}).listen(Number(PEER_PORT), "127.0.0.1");
