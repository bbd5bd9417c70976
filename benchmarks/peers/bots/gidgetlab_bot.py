"""gidgetlab: its own GitLabBot with one callback, after its documentation.

Its second of waiting for GitLab's consistency, which is on by default, is off.
"""

from __future__ import annotations

import os

from gidgetlab.aiohttp import GitLabAPI, GitLabBot
from gidgetlab.sansio import Event

bot = GitLabBot(
    "ps-bot",
    secret=os.environ["PEER_SECRET"],
    access_token=os.environ["PEER_TOKEN"],
    url=os.environ["PEER_FORGE"],
    wait_consistency=False,
)


@bot.router.register("Note Hook")
async def on_comment(event: Event, gl: GitLabAPI) -> None:
    path = f"/projects/{event.project_id}/issues/{event.data['issue']['iid']}/notes"
    await gl.post(path, data={"body": f"reply:{event.object_attributes['id']}"})


if __name__ == "__main__":
    bot.run(host="127.0.0.1", port=int(os.environ["PEER_PORT"]), access_log=None)
