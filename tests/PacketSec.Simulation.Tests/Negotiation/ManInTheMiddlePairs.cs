namespace PacketSec.Simulation.Tests.Negotiation;

/// <summary>A scheme that hides as far as the negotiation knows, beside one that does not.</summary>
public sealed class ManInTheMiddleOfHidingAndOpen() : ManInTheMiddleScenarios(PsecPair.Hiding, "p2pke-1");

/// <summary>Both show identities to strangers.</summary>
public sealed class ManInTheMiddleOfNoiseXXAndP2pke() : ManInTheMiddleScenarios("noise-xx-1", "p2pke-1");

/// <summary>One hides identities, the other shows that of whoever answers.</summary>
public sealed class ManInTheMiddleOfSecretHandshakeAndNoiseXX() : ManInTheMiddleScenarios("secret-handshake-1", "noise-xx-1");

/// <summary>One hides identities, the other shows that of whoever calls.</summary>
public sealed class ManInTheMiddleOfSecretHandshakeAndP2pke() : ManInTheMiddleScenarios("secret-handshake-1", "p2pke-1");

/// <summary>One is for sites that know each other, the other shows that of whoever calls.</summary>
public sealed class ManInTheMiddleOfMyChipsAndP2pke() : ManInTheMiddleScenarios("mychips-1", "p2pke-1");

/// <summary>Both hide identities.</summary>
public sealed class ManInTheMiddleOfMyChipsAndSecretHandshake() : ManInTheMiddleScenarios("mychips-1", "secret-handshake-1");
