// SPDX-License-Identifier: MIT
#include "record/robot_names.h"

namespace manhattan::record {

// Names that robots give themselves in public, collected by the authors; MIT, as all of this tree.
// Only what says clearly that it is no person's browser: a library such as curl may be one's own
// client and is left to the pixel. manhattan-server's --robots FILE takes another list in its
// place. The patterns keep to what RobotNames reads.
const char* default_robots() noexcept {
  return R"(# Manhattan's list of robots, 2026-11-21. MIT.
# What nearly all of them have in their names.
[^u]bot\b|[^c]ubot\b
\bbot/|\bbot |\bbot_|\bbot-
crawler\b|spider\b|\bscraper\b|\brobot\b
\+http://|\+https://
# Search
googlebot|google-inspectiontool|googleother|mediapartners-google|adsbot-google|apis-google|feedfetcher-google|storebot-google
bingbot|bingpreview|msnbot|adidxbot
\byandexbot/|\byandeximages/|\byandexmetrika/|\byandexaccessibilitybot/|\byandexmobilebot/|\byandexrendererbot/|\byandex/
baiduspider|duckduckbot|duckduckgo-favicons-bot|qwantify|sogou web spider|sogou inst spider|sogou orion spider|360spider|yisouspider|petalbot
applebot|seznambot|mail\.ru_bot|coccocbot|naverbot|yeti/|daum/|exabot|mojeekbot|slurp
# Language models
gptbot|chatgpt-user|oai-searchbot|claudebot|claude-web|claude-user|claude-searchbot|anthropic-ai|perplexitybot|perplexity-user
google-extended|ccbot|cohere-ai|meta-externalagent|meta-externalfetcher|bytespider|amazonbot|diffbot|timpibot|youbot
# Previews in messages and networks
facebookexternalhit|facebookcatalog|twitterbot|linkedinbot|pinterestbot|slackbot|slack-imgproxy|telegrambot|whatsapp/|discordbot
skypeuripreview|embedly|quora link preview|redditbot|vkshare|tumblr/
# Search engine optimisation and market research
ahrefsbot|ahrefssiteaudit|semrushbot|siteauditbot|mj12bot|dotbot|rogerbot|screaming frog|serpstatbot|dataforseobot|blexbot
megaindex|barkrowler|sistrix|seokicks|linkdexbot|xovibot|zoominfobot
# Monitors and checks
uptimerobot|pingdom|statuscake|site24x7|newrelicpinger|datadogsynthetics|monitis|updown\.io|better uptime
chrome-lighthouse|ptst/|gtmetrix|w3c_validator|w3c_css_validator|w3c_checklink|validator\.nu|w3c-checklink
censysinspect|zgrab|masscan|nmap scripting engine|nikto|nuclei|internetmeasurement|expanse, a palo alto
# Archives and feeds
ia_archiver|archive\.org_bot|heritrix|nutch|feedly|feedburner|newsblur|inoreader|netvibes|bloglines
# Browsers that no person looks at
headlesschrome|phantomjs|puppeteer|playwright|selenium|slimerjs
)";
}

}  // namespace manhattan::record
