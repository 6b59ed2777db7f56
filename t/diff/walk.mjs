// A scan from the first page to the last, of all its segments.
import { order, text } from "./value.mjs";

const PAGES_MAX = 10000;

// Items of one partition key come together, in the order of their sort keys.
function disorder(items, key) {
  const seen = new Set();
  for (const [i, item] of items.entries()) {
    const pk = text(item[key.hash.name]),
      before = items[i - 1];
    if (before && text(before[key.hash.name]) === pk) {
      if (!key.range || order(before[key.range.name], item[key.range.name]) >= 0) return true;
    } else if (seen.has(pk)) {
      return true;
    }
    seen.add(pk);
  }
  return false;
}

// Answers as a client does: the first refusal, or { status: 200, body: { items, count, scanned, problem } }.
export async function walk(client, request, key) {
  const all = { items: request.Select === "COUNT" ? undefined : [], count: 0, scanned: 0 };
  const segments = request.TotalSegments > 0 && request.Segment < request.TotalSegments ? request.TotalSegments : 1;
  for (let s = 0; s < segments; s++) {
    const start = { ...request },
      items = [];
    if (segments > 1) start.Segment = s;
    for (let pages = 0; ; pages++) {
      const answer = await client.call("Scan", start),
        { body } = answer;
      if (answer.status !== 200) return answer;
      if (body.Items) items.push(...body.Items);
      all.count += body.Count;
      all.scanned += body.ScannedCount;
      if (Boolean(body.Items) === (request.Select === "COUNT")) all.problem = "Items and Select";
      if (
        body.ScannedCount > request.Limit ||
        (body.LastEvaluatedKey && request.Limit && body.ScannedCount !== request.Limit)
      )
        all.problem = "Limit";
      if (body.Items && body.Items.length !== body.Count) all.problem = "Count";
      if (!body.LastEvaluatedKey) break;
      if (pages === PAGES_MAX) return { status: 200, body: { ...all, problem: "endless" } };
      start.ExclusiveStartKey = body.LastEvaluatedKey;
    }
    if (request.ProjectionExpression === undefined && key && disorder(items, key)) all.problem = "order";
    all.items?.push(...items);
  }
  return { status: 200, body: all };
}
