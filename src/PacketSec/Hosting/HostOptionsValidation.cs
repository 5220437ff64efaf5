using System.Net;
using Microsoft.Extensions.Options;

namespace PacketSec.Hosting;

/// <summary>Looks at a host's options when it starts; each failure begins with the option's name.</summary>
internal sealed class HostOptionsValidation : IValidateOptions<PacketSecHostOptions>
{
    public ValidateOptionsResult Validate(string? name, PacketSecHostOptions options)
    {
        var failures = Failures(options).ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static IEnumerable<string> Failures(PacketSecHostOptions options)
    {
        if (string.IsNullOrEmpty(options.KeyFile) == (options.Identity is null))
        {
            yield return options.Identity is null
                ? "KeyFile is not set: name the file of the host's key, which is made where there is none; or set Identity."
                : "KeyFile and Identity are both set: a host has one key.";
        }

        if (PacketSecHostOptions.ParseAddress(options.Bind) is null)
        {
            yield return $"Bind is '{options.Bind}', which is no address with a port: write it as [::]:4001 or 192.0.2.1:4001.";
        }

        // The identity is not looked at: it may be in a file that is read later.
        var endpoint = options.ToEndpointOptions(identity: null!, new(IPAddress.IPv6Any, 0));
        if (Failure(() => endpoint.Catalogue.CheckServed(endpoint.Schemes, endpoint.DirectScheme, endpoint.AllowSchemeMixture)) is { } schemes)
        {
            yield return $"Schemes, DirectScheme or AllowSchemeMixture: {schemes}";
        }
        else if (Failure(endpoint.ValidateSettings) is { } setting)
        {
            yield return setting;
        }
    }

    private static string? Failure(Action check)
    {
        try
        {
            check();
            return null;
        }
        catch (ArgumentException failure)
        {
            return failure.Message;
        }
    }
}
