// Answers every request with who it is and the headers that it got.
const http = require("http");
const { hostname } = require("os");
const { TITLE } = process.env;
const server = http.createServer({ keepAliveTimeout: 150_000 }, (request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ title: TITLE, replica: hostname(), headers: request.headers }));
});
server.listen(3000);
process.on("SIGTERM", () => server.close(() => process.exit(0)));
