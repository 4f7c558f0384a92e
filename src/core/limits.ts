// Every bound of the product, with its reason. Units are in the names. A bound that a test cannot hit does not belong here.

/** RFC 8601 s3 demands a limit on the names tried; ten is more than any honest host was seen to have. */
export const namesMax = 10;

/** One reply must fit both doors: Postfix takes 512-octet replies and adds its own words to ours, so 450 are left. */
export const replyOctetsMax = 450;

/** In a reply, a foreign name is shown up to this length: enough to recognise, too short to fill the line. */
export const nameShownOctetsMax = 80;

/** A YAML document; a policy of a thousand rules has 200 KB. */
export const documentOctetsMax = 4 * 1024 * 1024;

/** Nesting of all/any/not: deeper than a person can read, shallow enough for recursion. */
export const conditionDepthMax = 32;

/** Entries of one list: more than any list of senders has. So many names take half a gigabyte, and as much again to reload. */
export const listEntriesMax = 10_000_000;

/** A file of so many entries with a word behind each. */
export const listOctetsMax = 512 * 1024 * 1024;

/** The longest entry has 255 characters, the rest is comment; whatever has longer lines is no list. */
export const listLineCharsMax = 4_096;

/** Bad lines shown of one file; who has more has given the wrong file, or one fault in all lines. */
export const listProblemsMax = 20;

/** A look at a watched file is one stat(2); a change is taken over within two looks. */
export const listLookEveryMs = 5_000;

/** A file that is appended to without end never comes to rest; after half a minute it is read as it is. */
export const listRestlessLooksMax = 6;

/** A renewed certificate is in use after a minute at most; whoever cannot wait sends SIGHUP. */
export const certificateLookEveryMs = 60_000;

/** How often a file is read that changes under the reader, before the first list is given up. */
export const listReadTries = 3;

/** Looks of the search that lint makes; operators' rules take some hundreds, and what takes this many would take for ever. */
export const lintLooksMax = 200_000;

/** Comparing every two of more tests than this would take too long; lint then takes them as independent. */
export const lintComparedMax = 300;

/** Places of a pattern that lint compares; more would take too long, and nobody writes them by hand. */
export const lintPatternPlacesMax = 64;

/** A thousand rules take some seconds, each against all before it; behind them lint says nothing about what others decide. */
export const lintRulesMax = 1_000;

/** Rules and exceptions that end so soon are remarked on: two weeks to decide whether they shall go on. */
export const expiresSoonMs = 14 * 86_400_000;

/** Ways through two policies that diff goes, so that it takes a second or two; then it varies distinctions in pairs, or singly. */
export const diffWaysMax = 20_000;

/** The same for long policies: ways, times the rules that each of them passes. */
export const diffRulesMax = 300_000;

/** More lines of a diff than this are not made shorter: the time goes with the third power, and nobody reads them. */
export const diffCloseLookMax = 200;

/** Columns of a formatted policy, as in this code. */
export const formatColumnsMax = 120;

/** Each round of formatting breaks the outermost of what is too long, and conditions may stand in one another 32 deep. */
export const formatRoundsMax = 100;

/** A pattern that is longer should be a list. */
export const patternTextMax = 1_000;

/** RFC 1034 s3.6.2 sets no limit on CNAME chains; resolvers stop at 8 to 16. */
export const cnameChainMax = 8;

/** RFC 9715 s3.2: answers up to this size travel in one packet everywhere; larger ones come over TCP. */
export const ednsOctets = 1_232;

/**
 * Random source ports towards one server at a time. A forger must guess the port of a question (some 28,000), its id and its
 * letters, however many ports there are; more than a few only cost an empty read of each at every turn of the event loop.
 */
export const udpPortsMax = 4;

/** What the kernel may hold for one port while we are busy: some 500 answers; the usual 208 KB are full after 300. */
export const udpBufferOctets = 512 * 1024;

/** Then a port is given up for a new random one. */
export const udpQuestionsPerPort = 512;

/** Questions on their way to DNS servers; unbound takes as many in its default (num-queries-per-thread 1024 to 2048). */
export const questionsInFlightMax = 1_000;

/** Questions waiting for their turn; at 10,000 answers a second the last of them waits for two seconds. */
export const questionsInLineMax = 20_000;

/** A lost packet costs this much, not half of the DNS timeout. */
export const firstAttemptMs = 1_000;

/** A server that was silent is asked last for this long, twice as long each time, up to the second figure. */
export const serverRestMs = 1_000;
export const serverRestMaxMs = 60_000;

/** The breaker looks back for one to two windows: open within 10 s of an outage. */
export const breakerWindowMs = 5_000;

/** Fewer lookups than this tell nothing about the DNS as a whole. */
export const breakerLookupsMin = 20;

/** While it is open one question a second goes out, and three good answers close it: back 3 to 4 s after the DNS is. */
export const breakerProbeMs = 1_000;
export const breakerProbesGood = 3;

/** Zones that failed in a window; more of them than this are an outage already. */
export const breakerZonesMax = 10_000;

/** Octets of names read for one packet, pointers followed: the largest packet, twice what a hundred long names have. */
export const nameOctetsPerPacketMax = 65_536;

/** Ten names are tried; what stands behind the hundredth is not even read. */
export const ptrNamesReadMax = 100;

/** RFC 8914 s2 allows several extended errors; three say enough, in a line each. */
export const edeMax = 3;
export const edeOctetsMax = 120;

/** RFC 2181 s8 allows 68 years; a day is the longest that anyone should wait for a corrected record. */
export const ttlMaxS = 86_400;

/** TTL 0 means "for this transaction" (RFC 1035 s3.2.1); for a second, clients of one address are one transaction. */
export const ttlMinS = 1;

/** RFC 9520 s3.2: a failure is remembered for at least 1 s, so that a dead zone is not asked once for each connection. */
export const failureTtlS = 1;

/** The same failure again is remembered twice as long, up to this (RFC 9520 allows five minutes). */
export const failureTtlMaxS = 30;

/** RFC 8767 s5: stale answers may stand in for one to three days; a day, for who was confirmed. */
export const staleMaxS = 86_400;

/** RFC 8767 s5: not more often than every 30 s is a broken zone asked about again. */
export const staleRetryS = 30;

/** Looked at so often, an entry is refreshed before it ends. */
export const refreshAheadHits = 3;

/** Addresses kept: the clients of some days of a large server, at about 250 octets each. */
export const addressesKeptMax = 100_000;

/** Of them, how many are kept ready for use, at some 350 octets more each: the clients of the last seconds. */
export const addressesWholeMax = 4_096;

/** What they may take together: hostile answers, a hundred names each, are larger than the usual by a hundred times. */
export const addressesOctetsMax = 64 * 1024 * 1024;

/** The largest senders use some hundreds of addresses of a /64. */
export const addressesOfNetworkMax = 1_024;

/** Counters for networks, two octets each: many more than addresses kept, so that hardly two of them share one. */
export const networkCounters = 2 ** 20;

/** RFC 2308 s5 without an SOA there is nothing to go by; a minute keeps a broken server from being asked without end. */
export const negativeTtlWithoutSoaS = 60;

/** Single answers of each record type kept, beside what is kept for each address: of names that several addresses share. */
export const cacheEntriesMax = 10_000;

/** A door looks back for one to two of these at whom it saw: half a day has the scanners and spammers of everywhere in it. */
export const watchWindowMs = 12 * 3_600_000;

/** So many sessions from private space, or from one public address, and next to nobody else: a NAT or proxy is in front. */
export const maskedPrivateMin = 10;
export const maskedPublicMin = 100;

/** Public addresses that may be seen beside: a monitor and a neighbour. A door on the Internet sees dozens. */
export const maskedOthersMax = 2;

/** One Postfix request has about 30 lines and 1 KB; certificates and long addresses reach 10 KB. */
export const policyRequestOctetsMax = 64 * 1024;

/** Lines of a request whose order the policy door remembers for a connection: Postfix 3.12 sends 36. */
export const policyLayoutLinesMax = 64;

/** Sessions that the policy door remembers: for one ref each, and a header once for each message. */
export const policyInstancesMax = 20_000;

/** For so long after its last request: the next command of a client may take five minutes (RFC 5321 s4.5.3.2.7). */
export const policyInstanceMs = 300_000;

/** Postfix's snippets wait 10 s and then go on without us; a name server that is silent for this long is a DNS timeout. */
export const policyAnswerMs = 4_500;

/** Postfix keeps a policy connection for 300 s idle (smtpd_policy_service_max_idle); ours outlives it. */
export const policyIdleMs = 330_000;

/** RFC 5321 s4.5.3.2.7: a server should wait 5 minutes for the next command. Octets that come in between do not extend it. */
export const commandMs = 300_000;

/** The longest that a greeting may be held back: clients wait 5 minutes for it (RFC 5321 s4.5.3.2.1), impatient ones 30 s. */
export const greetingDelayMaxMs = 30_000;

/** A proxy sends its header at once, in its first packet; three seconds are HAProxy's own advice. */
export const proxyHeaderMs = 3_000;

/** The longest PROXY line of version 1, with CRLF (proxy-protocol.txt s2.1). */
export const proxyLineOctetsMax = 107;

/**
 * A PROXY header of version 2: server name, ids and names from a certificate stay below 1 KB (Postfix takes 536 octets); a proxy
 * that is set to send whole client certificates is refused.
 */
export const proxyHeaderOctetsMax = 2_048;

/** XCLIENT_README note 1. Seen in Postfix 3.7: it counts the octets of the xtext, not of what it stands for. */
export const xclientValueOctetsMax = 255;

/** RFC 5321 s4.5.3.1.4, with CRLF; XCLIENT_README note 1 asks senders to keep to it. */
export const xclientLineOctetsMax = 512;

/** Commands of one client before others have a turn, and replies leave: a chunk may hold ten thousand of them. */
export const commandsPerTurn = 100;

/** A handshake takes two round trips; half a minute is enough for a satellite and a slow machine. */
export const tlsHandshakeMs = 30_000;

/** Content must come at least this fast, over the window, while we are ready to read it: Postfix's smtpd_min_data_rate. */
export const contentOctetsPerSecondMin = 500;
/** RFC 5321 s4.5.3.2.5: a block of content may take 3 minutes. */
export const contentWindowMs = 180_000;

/** Between two transactions a session ends at this age; the busiest relay sends thousands of messages in an hour. */
export const sessionMs = 3_600_000;

/** The longest DNS timeout that a file may name is a minute; a verdict that takes longer is a bug of ours. */
export const verdictMs = 70_000;

/** The longest wait for the backend before DATA, all of its servers tried: a little less than the 5 minutes of RFC 5321 s4.5.3.2. */
export const relayMs = 280_000;

/** The same after the final dot, for which clients wait 10 minutes (RFC 5321 s4.5.3.2.6). */
export const deliveryMs = 540_000;

/** How often it is said in the log that clients were turned away because the door is full. */
export const fullSaidEveryMs = 60_000;

/** A client whose socket we have ended may read the last reply for this long. */
export const lingerMs = 5_000;

/** How often deadlines are looked at: they are minutes long, and a second more does not matter. */
export const tickMs = 1_000;

/** Names read of a client certificate; the largest hosters have a hundred in one, and ten tell who it is. */
export const certificateNamesMax = 10;

/** Refused commands of one session: Postfix's smtpd_hard_error_limit. */
export const errorsMax = 20;

/** Commands since the last message, recipients apart: Postfix's smtpd_junk_command_limit. */
export const commandsWithoutMessageMax = 100;

/** Clients at once: what 14 KB each allow a small machine (140 MB), and a hundred times Postfix's default. */
export const connectionsMax = 10_000;

/** Of one address: Postfix's smtpd_client_connection_count_limit. */
export const connectionsPerAddressMax = 50;

/** Of one IPv6 /64 or IPv4 /24, which is one owner; the largest senders use some dozens of a /24. */
export const connectionsPerNetworkMax = 200;

/** Sockets beyond the limit that are still open, to be told 421: more of them are closed without a word. */
export const connectionsTurnedAwayMax = 200;

/** RFC 5321 s4.5.3.1.8 asks for 100 recipients at least; Postfix's smtpd_recipient_limit is 1000. */
export const recipientsMax = 1_000;

/** RFC 5321 s4.5.3.1.4 asks for 512; extensions add to it, Postfix's line_length_limit is 2048. */
export const commandOctetsMax = 2_048;

/** What we announce in SIZE when the backend names no limit of its own. */
export const messageOctetsMax = 100 * 1024 * 1024;

/** RFC 5321 s4.5.3.1.7: a server must take messages of 64 KB. */
export const messageOctetsLeast = 64 * 1024;

/** One header field that claims to be ours is held until it ends, to be dropped whole; a larger one is dropped unread. */
export const fieldOctetsMax = 16 * 1024;

/** A backend on the same network answers a connection in milliseconds; a client must not wait for a dead one. */
export const backendConnectMs = 10_000;

/** Postfix's smtpd_proxy_timeout. Clients wait 5 minutes for MAIL and RCPT (RFC 5321 s4.5.3.2). */
export const backendReplyMs = 100_000;

/** RFC 5321 s4.5.3.2.6: a client waits 10 minutes after the dot; a backend may scan for half of that. */
export const backendDotMs = 300_000;

/** RFC 5321 s4.5.3.1.5: a reply line has 512 octets; ten times that is a program gone wrong. */
export const backendLineOctetsMax = 5_120;

/** Content that waits in our memory for a slow backend; beyond it the client is not read. */
export const backendBufferOctets = 256 * 1024;

/** A server that could not be reached is asked last for so long, so that not every client waits for it. */
export const backendRestMs = 30_000;

/**
 * Connections to the backend that are kept for the next client, each for so long: they save a busy door a third of its time, and
 * cost the backend an idle process. Postfix's own client keeps them for 2 s.
 */
export const backendsIdleMax = 20;
export const backendIdleMs = 5_000;

/** Then a connection is replaced: by age, so that a server that is back in order is found; by messages, as many MTAs count them. */
export const backendShareMs = 60_000;
export const backendSharedMessagesMax = 100;

/** EHLO replies have about 15 lines. */
export const backendReplyLinesMax = 128;

/** After SIGTERM, transactions may finish for this long. */
export const drainMs = 30_000;

/**
 * libmilter takes 65,535 octets of data, and Postfix cuts header fields to 60,000 for it (seen with 3.7.11); twice that, for
 * mail servers that do not. No body is asked for.
 */
export const milterFrameOctetsMax = 128 * 1024;

/** More forged fields than a chain of honest servers leaves; Postfix reads the whole header again to take out each. */
export const forgedFieldsMax = 1_000;

/** As libmilter has it: while a client sends a long message slowly, nothing is said at the milter door for up to two hours. */
export const milterIdleMs = 7_210_000;

/** The TTL of a record that a remedy proposes: an hour, so that a mistake in it does not stand for a day. */
export const recordTtlS = 3_600;

/** Addresses of one audit: a /20. More is no list of outbound servers, and every one costs somebody's DNS two questions. */
export const auditAddressesMax = 4_096;

/** Hosts of an audit that are looked up at a time: fast enough, and no burden on a resolver that others use too. */
export const auditAtOnceMax = 32;
/** Connections to the console: a few tabs with six each, a scraper, a terminal. */
export const consoleConnectionsMax = 64;

/** Of them, those that are told each decision as it comes. */
export const consoleStreamsMax = 16;

/** `top` and `trace` wait so long for the head of an answer: a console that is there gives it at once. */
export const consoleAnswerMs = 10_000;

/** A request's head must be there by then, and the whole of it by the second figure. */
export const consoleHeadMs = 5_000;
export const consoleRequestMs = 30_000;

/** What a question to the console may have in its body: an address and a name. A policy may have documentOctetsMax. */
export const consoleBodyOctetsMax = 4_096;

/** Decisions told each second to one who watches; a person reads less, and the others are counted. */
export const liveDecisionsPerSecondMax = 100;

/** What one who watches may be behind; then decisions are left out, and counted. */
export const liveBufferOctetsMax = 1024 * 1024;

/** Decisions of the past that who opens the page sees at once. */
export const recentDecisionsMax = 200;

/** Sessions whose evidence is kept in memory to be tried again, and what they may take together. */
export const recordedSessionsMax = 100_000;
export const recordedOctetsMax = 96 * 1024 * 1024;

/** Sessions of a journal that the page tries a policy on, and their octets: what it judges within a second after a keystroke. */
export const triedSessionsMax = 100_000;
export const triedOctetsMax = 96 * 1024 * 1024;

/** The journal is read for one page at a time; so many wait for their turn, and one who reads no further for so long loses it. */
export const triedWaitingMax = 4;
export const triedStallMs = 30_000;

/** Organisations and networks that are counted; least recently seen first to go. */
export const clientGroupsMax = 2_000;

/** Of them, those that are shown: the busiest. */
export const clientGroupsShownMax = 200;

/** Rules that are counted by their id; a policy that is edited all day may have had more, and those are counted as one. */
export const rulesCountedMax = 300;

/** Checks of an address under way, each with its lookups. */
export const consoleChecksMax = 4;

/** Refused requests told in the log each minute; whoever tries more of them must not fill the disk. */
export const consoleRefusalsLoggedMax = 20;

/** Lists of a policy that the page is given, to try it with: together so many octets. */
export const consoleListOctetsMax = 4 * 1024 * 1024;

/** RFC 1035 s2.3.4: a name has 255 octets at most; what a PTR holds beyond it, in escapes, is not read for signs. */
export const nameReadMax = 255;

/** Addresses whose naming is remembered, with 150 octets each: as many as have their answers kept. */
export const namingsRememberedMax = 100_000;

/** Clients with several names, which are few; a hundred of the longest take 25 KB. */
export const namingListsRememberedMax = 500;

/** A line of `classify`: an address, and a name with every octet escaped (RFC 1035 s5.1), have some 1,100 characters. */
export const classifyLineMax = 2_000;

/** Codes of the backend that a record keeps of RCPT, and of the final dot: who sends to more has shown what becomes of it. */
export const outcomeCodesMax = 100;

/** A record has 1 KB. With a hundred long names and all their addresses it is not kept: whoever has these fills no disk. */
export const journalLineOctetsMax = 128 * 1024;

/** Octets of records that wait for a slow disk, some seconds of the busiest door; what comes on top is counted, and lost. */
export const journalQueueOctetsMax = 16 * 1024 * 1024;

/** What has gathered is written so often, or when it is so much: a killed process loses less than a second. */
export const journalWriteEveryMs = 500;
export const journalPageOctets = 1024 * 1024;

/** After a failed write (disk full, no permission) the next try; records wait meanwhile, as far as there is room. */
export const journalRetryMs = 5_000;

/** How often it is said that records are lost. */
export const journalSaidEveryMs = 60_000;

/** How often a journal is looked through for what is to be packed, or to go. */
export const journalTidyEveryMs = 60_000;

/** A segment is packed when its hour has been over, and nobody has written to it, for so long: the last writes may be slow. */
export const journalRestMs = 60_000;

/** Packing stops for so long after each 256 KB, to be nobody's load: 15 MB a second, an hour of the busiest door in two minutes. */
export const journalPackPauseMs = 10;

/** A packed file that was begun and not touched for so long was left by a killed process. */
export const journalPackStaleMs = 600_000;

/** Processes that write in one hour, restarts included: one for each second of it. */
export const journalTurnsMax = 3_600;

/** Read at a time. */
export const journalReadOctets = 256 * 1024;

/** The same of a packed file, where it becomes 10 times as much, or 1,000 times if somebody means harm. */
export const journalReadPackedOctets = 16 * 1024;

/** Inside the service less is read at a time, a millisecond's work, with a rest after it: verdicts come in between. 50 MB a second. */
export const journalReadBackOctets = 64 * 1024;
export const journalReadRestMs = 1;

/** Bad lines shown of one file; who has more has given the wrong file. */
export const journalProblemsMax = 20;

/** So long after it began a session may end and be recorded: its hour, then the largest message at the slowest pace, and the dot. */
export const journalLateMs =
  sessionMs + (1_000 * messageOctetsMax) / contentOctetsPerSecondMin + contentWindowMs + deliveryMs;

/** A segment is an hour: what is kept for less is gone before it is of use. */
export const journalKeepLeastMs = 3_600_000;

/** A thousand records: less than that is a unit forgotten. */
export const journalOctetsLeast = 1024 * 1024;

/** Organisations of which a replay or report keeps count in each list; beyond them there are "others". A mail server hears of thousands. */
export const organisationsCountedMax = 10_000;

/** Organisations of refused sessions that are looked at for exceptions; 20 MB. Who comes after them gets none proposed. */
export const exceptionsConsideredMax = 100_000;

/** Different things that sessions say of outcomes and rules, counted side by side; mail servers have some hundreds. */
export const changePatternsMax = 10_000;

/** Names of rules counted by a replay: more than any policy has. */
export const ruleNamesMax = 20_000;

/** Refs shown of one organisation, and of one change: enough to look some up. */
export const refsShownMax = 5;

/** Addresses that one exception names; whoever has more is spared by network, or not at all. */
export const exceptionAddressesMax = 8;

/** An exception that is proposed ends after so long: a quarter, in which its reason should have been mended. */
export const exceptionProposedMs = 90 * 86_400_000;

/** Lines of a journal whose outcome is kept for others like them, twice: 15 MB without their octets. */
export const replayLinesKeptMax = 60_000;

/** Octets of these lines, twice: most have some 600 that count. */
export const replayKeptOctetsMax = 32 * 1024 * 1024;

/** After so many sessions judged a replay forgets how it read their names: a hundred thousand of them keep 60 MB in use. */
export const replayNamingsMax = 20_000;

/** After so many lines of which hardly any was like another, so many are judged without a look at others. */
export const replayTriedLines = 20_000;
export const replayUntriedLines = 200_000;

/** Labels of sessions: a year of a small server, two weeks of a large one, in 200 MB. */
export const labelsMax = 1_000_000;

/** A label with a time is that of the nearest session of its address: a message follows its connection within a minute. */
export const labelNearMs = 60_000;

/** Sessions of a mail server's log whose end has not been read: more than Postfix has processes. The oldest counts as over. */
export const postfixSessionsMax = 20_000;

/** Addresses of one log that are looked up now, each once; 100 MB of answers, and an hour at a hundred a second at most. */
export const resolvedNowMax = 100_000;

/** So many of these lookups at a time: nobody's name server shall notice. */
export const resolvedAtOnce = 20;

/** Different words of name servers, and reasons, that a report counts. */
export const reportWordsMax = 1_000;

/** Who was refused within so many days before is not new in a report. */
export const reportBeforeMs = 7 * 86_400_000;
